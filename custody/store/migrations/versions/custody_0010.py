"""Rows that come with every scan take less room: brief keys and media types, pressed statements, no idle columns.

Openings, which zlib pressed, over its dictionary or over none, are pressed anew.
"""

import typing
import zlib
from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

from custody.store.brief import brief_key
from custody.store.press import OPENINGS, STATEMENTS

revision = "custody_0010"
down_revision = "custody_0009"
branch_labels = None
depends_on = None

AT_ONCE = 1_000
OURS = "application/vnd.weaklink."
IDLE = ("event_id", "biz_step", "event_ms")
BRIEF_KEY = """
CASE WHEN key LIKE 'https://id.gs1.org/%' THEN '/' || substr(key, 20)
     WHEN key ~ '^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' THEN
       '~' || translate(encode(decode(replace(substr(key, 10), '-', ''), 'hex'), 'base64'), '+/=', '-_')
     WHEN key ~ '^[=/~]' THEN '=' || key
     ELSE key END
"""
"""`brief_key`, as PostgreSQL says it."""
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
    bind: sa.Connection = op.get_bind()
    op.drop_index("ix_entry_content_type", table_name="entry")
    short = f"UPDATE entry SET content_type = '.' || substr(content_type, {len(OURS) + 1}) WHERE content_type LIKE '{OURS}%'"
    bind.execute(sa.text(short))
    spelt = BRIEF_KEY
    if bind.dialect.name == "sqlite":
        spelt, driver = "brief_key(key)", typing.cast("typing.Any", bind.connection.dbapi_connection)
        driver.create_function("brief_key", 1, brief_key, deterministic=True)
    for table in ("item_key", "parcel"):
        bind.execute(sa.text(f"UPDATE {table} SET key = {spelt}"))
    _anew("opening", "place", "content", lambda held: OPENINGS.press(_unpress(held)))
    _anew("entry", "idx", "raw", STATEMENTS.press)
    with op.batch_alter_table("scan") as rows:
        for column in IDLE:
            rows.drop_column(column)
    scans = sa.text("content_type NOT IN ('.scan+epcis', '.capture+epcis')")
    op.create_index(
        "ix_entry_content_type", "entry", ["content_type"], unique=False, sqlite_where=scans, postgresql_where=scans
    )


def _anew(name: str, number: str, column: str, write: Callable[[bytes], bytes]) -> None:
    table = sa.table(name, sa.column(number, sa.BigInteger()), sa.column(column, sa.LargeBinary()))
    place, held = table.c[number], table.c[column]
    change = table.update().where(place == sa.bindparam("at")).values({column: sa.bindparam("anew")})
    asked = sa.select(place, held).where(held.is_not(None)).order_by(place).limit(AT_ONCE)
    last = -1
    while rows := op.get_bind().execute(asked.where(place > last)).all():
        op.get_bind().execute(change, [{"at": at, "anew": write(content)} for at, content in rows])
        last = rows[-1][0]


def _unpress(content: bytes) -> bytes:
    reading = zlib.decompressobj(zdict=DICTIONARY)
    return reading.decompress(content) + reading.flush()
