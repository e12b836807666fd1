"""Openings in the store: pressed by zlib (RFC 1950) over a dictionary of what events commonly say.

An opening is short and mostly the words of EPCIS, so a dictionary makes it a third of its length, and quicker than
without. A row that was pressed over it names it by its checksum (RFC 1950 section 2.2), one from before it names none,
and both are read. The dictionary can never change: whoever wants a better one adds it beside this one.
"""

import zlib

LEVEL = 1
LONG = 4_096
SHORT_WINDOW, LONG_WINDOW = (12, 5), (15, 8)
"""Window bits and memory level of zlib; what is short is pressed through a short window, which is quicker to set up."""

DICTIONARY = (
    b'"outputEPCList":["inputEPCList":["transformationID":"quantityList":[{"epcClass":"https://id.gs1.org/01/"quantity":'
    b'"errorDeclaration":{"declarationTime":"reason":"did_not_occur","incorrect_data","correctiveEventIDs":["'
    b'"persistentDisposition":{"set":["unset":["damaged","completeness_verified","stolen","non_sellable_other"'
    b'"TransactionEvent""bizStep":"receiving","shipping","storing","unpacking","picking","collecting","stocking",'
    b'"disposition":"sellable_accessible","in_possession","destroyed","unknown","type":"po","bizTransaction":"'
    b'urn:epcglobal:cbv:bt:95"type":"AssociationEvent","parentID":"childEPCs":["https://id.gs1.org/8004/95'
    b'"bizStep":"installing","disposition":"container_closed","wl:sealNumber":"wl:sealKind":"tamper-evident tape",'
    b'"wl:sealState":"intact","broken","missing""wl:declaredMassGrams":"wl:itemMassGrams":"wl:imei":["urn:gsma:imei:'
    b'"bizLocation":{"id":"https://id.gs1.org/01/95"https://id.gs1.org/8018/95"https://id.gs1.org/417/95'
    b'"bizStep":"commissioning","disposition":"active","bizStep":"staging_outbound","bizStep":"packing",'
    b'"disposition":"container_open","retail_sold","wl:recipientCheck":{"wl:method":"pin6","wl:challenge":"urn:uuid:'
    b'"wl:attempts":"1","wl:confirms":"received sealed","wl:proof":"hmac-sha-256:"wl:photo":"ni:///sha-256;'
    b'"sensorElementList":[{"sensorMetadata":{"time":"2026-000Z","deviceID":"https://id.gs1.org/8004/95'
    b'/SCALE-"},"sensorReport":[{"type":"Mass","value":0."uom":"KGM"}]}]"bizStep":"inspecting",'
    b'"disposition":"conformant","type":"AggregationEvent","parentID":"https://id.gs1.org/8003/0095","childEPCs":["'
    b'https://id.gs1.org/00/"action":"DELETE","bizStep":"unloading","action":"ADD","bizStep":"loading",'
    b'"disposition":"in_progress","bizStep":"departing","bizTransactionList":[{"type":"upevt","bizTransaction":"urn:uuid:'
    b'"bizStep":"accepting","sourceList":[{"type":"possessing_party","source":"https://id.gs1.org/417/95"},'
    b'{"type":"location","source":"https://id.gs1.org/414/95"}],"destinationList":[{"type":"possessing_party",'
    b'"destination":"https://id.gs1.org/417/95"},{"type":"location","destination":"https://id.gs1.org/414/95"}],'
    b'"wl:upstreamStatement":"ni:///sha-256;"wl:entryMode":"keyed""wl:entryMode":"scanned","wl:prevScan":"ni:///sha-256;'
    b'{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",{"wl":"urn:weaklink:"}],'
    b'"type":"ObjectEvent","eventTime":"2026-000Z","eventTimeZoneOffset":"+00:00","eventID":"urn:uuid:",'
    b'"epcList":["https://id.gs1.org/00/"],"action":"OBSERVE","bizStep":"urn:weaklink:BizStep-sorting",'
    b'"disposition":"in_transit","readPoint":{"id":"https://id.gs1.org/414/95/254/"},"wl:handler":"h-'
)


def press(opening: bytes) -> bytes:
    """The opening as its row holds it."""
    window, memory = SHORT_WINDOW if len(opening) <= LONG else LONG_WINDOW
    pressing = zlib.compressobj(LEVEL, zlib.DEFLATED, window, memory, zlib.Z_DEFAULT_STRATEGY, DICTIONARY)
    return pressing.compress(opening) + pressing.flush()


def unpress(content: bytes) -> bytes:
    """The opening that a row holds; raises `zlib.error` for what is none."""
    reading = zlib.decompressobj(zdict=DICTIONARY)
    opening = reading.decompress(content) + reading.flush()
    if not reading.eof:
        raise zlib.error("the row ends too early")
    return opening
