"""Where the receipt of a scan is to be had."""


def receipt_address(digest: bytes, position: int | None) -> str:
    """The log's receipt of a plain scan; the station's of one in a batch, beside which the batch's own is named."""
    return f"/v1/entries/{digest.hex()}/receipt" if position is None else f"/v1/scans/{digest.hex()}/receipt"
