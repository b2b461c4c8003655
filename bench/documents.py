"""Synthetic documents in Russian and English, always the same, with words of known frequency."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from artstore_kit.contracts.files import Content, ElementStamp, FileAttributes
from artstore_kit.contracts.ids import new_file_id

SEED = 20260101
WORDS = 40_000
FLATTENED = 20
"""Zipf's law as Mandelbrot shifted it: without, the first words would stand in every document."""
DESCRIPTION_WORDS = range(20, 70)
BEGAN = datetime(2023, 1, 1, tzinfo=UTC)
SPAN_S = 3 * 365 * 86400
COLLECTIONS = ["default", "contracts", *(f"hr/{year}" for year in range(2015, 2026)), "legal", "press", "lab/results"]
MEDIA_TYPES = {"pdf": "application/pdf", "docx": "application/msword", "jpg": "image/jpeg", "txt": "text/plain"}
UPLOADERS = [f"person-{number:02}" for number in range(40)]
TAGS = [f"tag-{number:03}" for number in range(200)]
SYLLABLES = (
    ("ба", "ве", "го", "ди", "жу", "за", "ко", "ли", "мо", "ну", "по", "ра", "су", "то", "фе", "хо", "ца", "че", "шу"),
    (
        "ba",
        "ve",
        "go",
        "di",
        "ju",
        "za",
        "ko",
        "li",
        "mo",
        "nu",
        "po",
        "ra",
        "su",
        "to",
        "fe",
        "ho",
        "ca",
        "che",
        "shu",
    ),
)
ENDINGS = (("", "ом", "ами", "ого", "ы"), ("", "s", "ing", "ed", "ly"))
FREQUENT = (
    ("договор", "аренда", "отчет", "склад", "приказ", "поставка", "сотрудник", "проект", "оплата", "комиссия"),
    ("contract", "invoice", "report", "project", "payment", "delivery", "meeting", "budget", "research", "agreement"),
)


@dataclass
class Corpus:
    """Words follow Zipf's law, the frequent ones first; half are Russian, half English."""

    count: int
    words: list[str] = field(init=False)
    _random: random.Random = field(default_factory=lambda: random.Random(SEED), repr=False)

    def __post_init__(self) -> None:
        frequent = [word for pair in zip(*FREQUENT, strict=True) for word in pair]
        self.words = [*frequent, *self._made_up(WORDS - len(frequent))]
        self._weights = list(accumulate(1 / (rank + FLATTENED) for rank in range(WORDS)))

    def documents(self, element_id: str) -> Iterator[FileAttributes]:
        """All of them, oldest first."""
        for number in range(self.count):
            yield self._document(number + 1, element_id)

    def frequent(self) -> Sequence[str]:
        """Words in one document of four to eight."""
        return self.words[:20]

    def common(self) -> Sequence[str]:
        """Words in about one document of a hundred."""
        return self.words[400:800]

    def rare(self) -> Sequence[str]:
        """Words in about one document of four thousand."""
        return self.words[20_000:22_000]

    def _made_up(self, count: int) -> list[str]:
        found: dict[str, None] = {}
        while len(found) < count:
            syllables = SYLLABLES[len(found) % 2]
            found["".join(self._random.choices(syllables, k=self._random.randint(3, 5)))] = None
        return list(found)

    def _document(self, lsn: int, element_id: str) -> FileAttributes:
        chosen = self._random
        at = BEGAN + timedelta(seconds=SPAN_S * lsn / self.count)
        extension, media_type = chosen.choice(list(MEDIA_TYPES.items()))
        size = int(chosen.lognormvariate(11, 2))
        sha256 = f"{chosen.getrandbits(256):064x}"
        content = Content(
            name=f"{' '.join(self._text(range(2, 5)))} {lsn}.{extension}",
            media_type=media_type,
            size=size,
            sha256=sha256,
            stored_size=size,
            stored_sha256=sha256,
        )
        return FileAttributes(
            schema=1,
            file_id=new_file_id(int(at.timestamp() * 1000)),
            content=content,
            uploaded_by=chosen.choice(UPLOADERS),
            uploaded_at=at,
            collection=chosen.choice(COLLECTIONS),
            description=" ".join(self._text(DESCRIPTION_WORDS)),
            tags=chosen.sample(TAGS, k=chosen.randint(0, 4)),
            metadata={"author": chosen.choice(UPLOADERS), "number": f"Д-{lsn}", "year": at.year},
            element=ElementStamp(id=element_id, epoch=1, lsn=lsn),
        )

    def _text(self, length: range) -> Iterator[str]:
        """Words, those that are not frequent now and then in another form."""
        for word in self._random.choices(self.words, cum_weights=self._weights, k=self._random.choice(length)):
            russian = word[0] > "z"
            yield word + (self._random.choice(ENDINGS[0 if russian else 1]) if self._random.random() < 0.3 else "")
