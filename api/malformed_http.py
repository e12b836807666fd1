"""What is no HTTP is answered as every error is: the web server's words say no `fix`, and a cache may keep them."""

from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api import problems


class Protocol(HttpToolsProtocol):
    """The web server's end of one connection."""

    def send_400_response(self, msg: str) -> None:
        """Answer, and close the connection: nobody knows where in it the next request begins."""
        answer = problems.plain(HTTPStatus.BAD_REQUEST, msg.rstrip("."), path="")
        headers = [b"%s: %s\r\n" % pair for pair in (*answer.raw_headers, (b"connection", b"close"))]
        self.transport.write(b"".join((b"HTTP/1.1 400 Bad Request\r\n", *headers, b"\r\n", answer.body)))
        self.transport.close()
