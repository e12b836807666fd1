"""EPC URNs: the way to the key is arithmetic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.gs1.canonical import canonical
from custody.gs1.epc_urn import read_urn


@pytest.mark.parametrize(
    ("urn", "path"),
    [
        ("id:sgtin:9521473.000381.001017004829159", "01/09521473003813/21/001017004829159"),
        ("class:lgtin:9521473.000381.L%2F7", "01/09521473003813/10/L%2F7"),
        ("id:upui:9521473.000381.T", "01/09521473003813/235/T"),
        ("id:itip:9521473.000381.01.02.S", "8006/095214730038130102/21/S"),
        ("id:sscc:9521473.1000008816", "00/195214730000088169"),
        ("id:sgln:9521473.00010.0", "414/9521473000102"),
        ("id:sgln:9521473.00010.BENCH07", "414/9521473000102/254/BENCH07"),
        ("id:pgln:9521886.00001", "417/9521886000010"),
        ("id:pgln:952188600001.", "417/9521886000010"),
        ("id:gsrn:9521886.0000004417", "8018/952188600000044173"),
        ("id:gsrnp:9521886.0000004417", "8017/952188600000044173"),
        ("id:grai:9521473.00012.C7", "8003/09521473000126C7"),
        ("id:giai:9521473.SEAL.0088213", "8004/9521473SEAL.0088213"),
        ("id:ginc:9521473.C%2F1", "401/9521473C%2F1"),
        ("id:gsin:9521473.000000001", "402/95214730000000010"),
        ("id:gdti:9521473.00009.PO-1", "253/9521473000096PO-1"),
        ("id:sgcn:9521473.00009.44", "255/952147300009644"),
        ("id:cpi:9521473.PART-1.44", "8010/9521473PART-1/8011/44"),
        ("idpat:sgtin:9521473.000381.*", "01/09521473003813"),
        ("idpat:grai:9521473.00012.*", "8003/09521473000126"),
        ("idpat:cpi:9521473.PART-1.*", "8010/9521473PART-1"),
    ],
)
def test_each_scheme_leads_to_its_key(urn: str, path: str) -> None:
    found = canonical(f"urn:epc:{urn}")
    assert found.uri == f"https://id.gs1.org/{path}"
    assert found.warning is None


@pytest.mark.parametrize(
    "urn",
    [
        "urn:epc:id:sgtin:9521473.00381.1",
        "urn:epc:id:sgtin:9521473.000381",
        "urn:epc:id:sgtin:9521473.000381.",
        "urn:epc:id:sgtin:9521473.000381.123456789012345678901",
        "urn:epc:id:sgtin:9521473.00038x.1",
        "urn:epc:id:sgtin:95214.00000381.1",
        "urn:epc:id:sgtin:9521473.000381.a%",
        "urn:epc:id:sgtin:9521473.000381.a%00",
        "urn:epc:id:sscc:9521473.1000008816.1",
        "urn:epc:id:sscc:195214730000.",
        "urn:epc:id:usdod:CAGE.1",
        "urn:epc:id:itip:9521473.000381.1.02.S",
        "urn:epc:id:sgcn:9521473.00009.A",
        "urn:epc:idpat:sgtin:9521473.*.1",
        "urn:epc:raw:96.1",
        "urn:epc:id:sgtin:\u0661234567.000381.1",
    ],
)
def test_a_malformed_urn_stays_itself_with_a_warning(urn: str) -> None:
    assert read_urn(urn) is None
    found = canonical(urn)
    assert found.uri == urn
    assert found.warning is not None


@given(st.sampled_from(["id:sgtin", "id:sgln", "class:lgtin", "id:cpi", "id:giai", "idpat:grai"]), st.text(max_size=30))
def test_any_text_after_a_scheme_never_raises(scheme: str, text: str) -> None:
    for tail in (text, f"9521473.{text}", f"9521473.000381.{text}"):
        key = read_urn(f"urn:epc:{scheme}:{tail}")
        assert key is None or key.wrong_check_digit() is None


@pytest.mark.parametrize(
    "urn",
    [
        "id:gid:95100000.12345.400",
        "id:gid:0.0.0",
        "id:usdod:2S194.12345678901",
        "id:usdod:CAGE5A.0",
        "id:adi:W81X9C.3KL984PX1.2WMA52",
        "id:adi:35962.PQ7VZ4.M37GXB92",
        "id:adi:W81X9C..%23AB%2F1",
        "id:bic:CSQU3054383",
        "id:imovn:9176187",
        "idpat:gid:95100000.12345.*",
        "idpat:gid:95100000.*.*",
        "idpat:usdod:2S194.*",
        "idpat:adi:35962.*.*",
        "idpat:sgtin:0614141.*.*",
        "idpat:sscc:0614141.*",
        "idpat:gid:*.*.*",
        "idpat:usdod:*.*",
        "idpat:adi:*.*.*",
        "idpat:sgtin:*.*.*",
        "idpat:sscc:*.*",
        "idpat:itip:9521473.000381.*.*.*",
        "idpat:itip:9521473.*.*.*.*",
        "idpat:itip:*.*.*.*.*",
        "idpat:sgtin:9521473.000381.1",
        "idpat:sscc:9521473.1000008816",
        "idpat:itip:9521473.000381.01.02.S",
        "idpat:gid:95100000.12345.400",
    ],
)
def test_what_no_gs1_key_names_is_well_formed_and_stays_itself(urn: str) -> None:
    """EPC Tag Data Standard 2.0, sections 6.3 and 8: CBV 2.0 section 8.2.2 lets an event name any EPC."""
    read = canonical(f"urn:epc:{urn}")
    assert (read.uri, read.warning) == (f"urn:epc:{urn}", None)


@pytest.mark.parametrize(
    "urn",
    [
        "id:gid:095.1.1",
        "id:gid:1.2",
        "id:gid:1.2.*",
        "id:usdod:2I194.1",
        "id:usdod:2S194.01",
        "id:adi:35962.PQ7VZ4.",
        "id:bic:CSQX3054383",
        "id:imovn:917618",
        "idpat:gid:*.1.*",
        "idpat:sgtin:*.000381.*",
        "idpat:sgtin:9521473.00381.1",
        "idpat:sgtin:*.*",
        "idpat:sscc:*.*.*",
        "idpat:itip:9521473.00381.*.*.*",
        "idpat:itip:9521473.*.01.02.*",
        "idpat:lgtin:9521473.000381.1",
        "idpat:bic:CSQU3054383",
        "tag:sgtin-96:0.0614141.107346.2018",
    ],
)
def test_what_their_grammar_does_not_allow_is_told(urn: str) -> None:
    read = canonical(f"urn:epc:{urn}")
    assert read.uri == f"urn:epc:{urn}"
    assert read.warning is not None
    assert read.warning.endswith("is not a well-formed EPC URN")


@pytest.mark.parametrize(
    "urn",
    [
        "id:itip:9521473.000381.012.3.S",
        "id:itip:9521473.000381..0102.S",
        "idpat:itip:9521473.000381.1.002.*",
        "id:cpi:9521473.44",
        "id:cpi:9521473..44",
        "id:cpi:9521473.PART-1.044",
        "idpat:cpi:9521473.*",
        "idpat:cpi:9521473..*",
        "id:giai:9521473.",
        "id:ginc:9521473.",
    ],
)
def test_a_urn_that_is_read_though_its_grammar_does_not_allow_it_has_a_warning(urn: str) -> None:
    """EPC Tag Data Standard 2.0, section 6.3: pieces are counted in two digits, no reference is empty or missing."""
    read = canonical(f"urn:epc:{urn}")
    assert read.uri.startswith("https://id.gs1.org/")
    assert read.warning == f"'urn:epc:{urn}' is not a well-formed EPC URN"
