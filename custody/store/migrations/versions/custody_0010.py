"""Openings are pressed by Zstandard; what zlib pressed, over its dictionary or over none, is pressed anew."""

import zlib

import sqlalchemy as sa
from alembic import op

from custody.store.press import press

revision = "custody_0010"
down_revision = "custody_0009"
branch_labels = None
depends_on = None

AT_ONCE = 1_000
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


def upgrade() -> None:
    bind = op.get_bind()
    opening = sa.table("opening", sa.column("place", sa.BigInteger()), sa.column("content", sa.LargeBinary()))
    place, content = opening.c.place, opening.c.content
    anew = opening.update().where(place == sa.bindparam("at")).values(content=sa.bindparam("pressed"))
    last = -1
    while rows := bind.execute(
        sa.select(place, content).where(place > last, content.is_not(None)).order_by(place).limit(AT_ONCE)
    ).all():
        bind.execute(anew, [{"at": at, "pressed": press(_unpress(pressed))} for at, pressed in rows])
        last = rows[-1][0]


def _unpress(content: bytes) -> bytes:
    reading = zlib.decompressobj(zdict=DICTIONARY)
    return reading.decompress(content) + reading.flush()
