"""Questions that nobody should ask are refused clearly, or find nothing; they never break anything."""

import httpx
import pytest

from artstore_kit.contracts.ids import new_file_id

SEARCH = "/api/v1/search"


@pytest.mark.parametrize(
    "asked",
    [
        {"q": "?!., &|!"},
        {"q": "\0"},
        {"q": "д" * 10_000},
        {"q": "-договор"},
        {"q": " ".join("слово" for _ in range(100))},
        {"sort": "relevance"},
        {"q": " ", "sort": "relevance"},
        {"sort": "oldest"},
        {"limit": "0"},
        {"limit": "1001"},
        {"limit": "x"},
        {"size_min": "-1"},
        {"size_max": str(2**63)},
        {"uploaded_after": "yesterday"},
        {"uploaded_after": "2026-01-01T00:00:00"},
        {"uploaded_before": "0001-01-01T00:00:00+14:00"},
        {"uploaded_before": "9999-12-31T23:59:59-14:00"},
        {"uploaded_by": "a\0b"},
        {"tag": "a\0b"},
        {"tag": ""},
        {"collection": "a\0b"},
        {"collection": "x" * 129},
        {"media_type": "image/\0"},
        {"colection": "hr"},
        {"cursor": "x" * 1001},
    ],
)
async def test_refused(standing_client: httpx.AsyncClient, asked: dict[str, str]) -> None:
    answer = await standing_client.get(SEARCH, params=asked)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "invalid_fields"), answer.text
    assert problem["errors"]
    assert problem["detail"]


@pytest.mark.parametrize("asked", [{}, {"q": "договор"}])
@pytest.mark.parametrize("cursor", ["x", "WyJuIl0", "ключ", "\0"])
async def test_bad_cursor(standing_client: httpx.AsyncClient, asked: dict[str, str], cursor: str) -> None:
    answer = await standing_client.get(SEARCH, params={**asked, "cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")


@pytest.mark.parametrize(
    "asked",
    [
        {"q": "' OR 1=1; DROP TABLE files --"},
        {"q": "a:* & !b <-> (c | d)"},
        {"q": "a\\'\"\\"},
        {"q": "и"},
        {"q": "и -the"},
        {"q": "the * и*"},
        {"q": "д" * 1000},
        {"q": "\ud7ff\ufffd\U0010ffff a"},
        {"q": "ＦＵＬＬ ﷺ ẞ İ ª º"},
        {"q": " ".join("аа*" for _ in range(50))},
        {"q": '"' * 999 + "a"},
        {"q": "a" + "-" * 900 + "b"},
        {"uploaded_by": "%' OR '1'='1"},
        {"uploaded_by": "\ud7ff\U0010ffff"},
        {"tag": ["{a,b}", '"', "\\", ",", "'"]},
        {"collection": "****"},
        {"collection": "_"},
        {"media_type": "*/*"},
        {"uploaded_after": "9999-12-31T23:59:59Z"},
        {"uploaded_before": "0001-01-01T00:00:00Z"},
        {"size_min": str(2**63 - 1), "size_max": "0"},
    ],
)
@pytest.mark.parametrize("sort", ["newest", ""])
async def test_odd_questions_find_nothing(
    standing_client: httpx.AsyncClient, asked: dict[str, str | list[str]], sort: str
) -> None:
    answer = await standing_client.get(SEARCH, params={**asked, **({"sort": sort} if sort else {})})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("query", [b"q=%ff%fe", b"q=%ed%a0%80", b"q=%", b"q=a&q=b", b"tag=%00", b"&&&=", b"q"])
async def test_odd_bytes_never_break(standing_client: httpx.AsyncClient, query: bytes) -> None:
    answer = await standing_client.get(httpx.URL("http://service.test/api/v1/search", query=query))
    assert answer.status_code in {200, 422}


@pytest.mark.parametrize("path", ["/api/v1/files/x", "/api/v1/files/x/content", f"/api/v1/files/{'0' * 36}"])
async def test_what_is_no_id(standing_client: httpx.AsyncClient, path: str) -> None:
    answer = await standing_client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_fields")


@pytest.mark.parametrize("suffix", ["", "/content"])
async def test_an_unknown_id(standing_client: httpx.AsyncClient, suffix: str) -> None:
    answer = await standing_client.get(f"/api/v1/files/{new_file_id()}{suffix}")
    assert (answer.status_code, answer.json()["code"]) == (404, "file_unknown")
