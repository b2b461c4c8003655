"""The peers that stand beside the fleet, and where each listens."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench.bed import Bed
from bench.bodies import Body
from bench.peers import application, bare_asgi, bare_fastapi, naive_element, naive_ingester, nginx

DATABASE = "bench_naive"


@dataclass(frozen=True)
class PeerSet:
    """Ports. nginx is None where it is not installed, the naive pair where it was not asked for."""

    bare_asgi: int
    bare_fastapi: int
    nginx: int | None = None
    naive_element: int | None = None
    naive_ingester: int | None = None

    @classmethod
    def start(cls, bed: Bed, content: int | bytes, *, naive: bool = False) -> Self:
        """Those that send files all send the same: `content`, or so many random bytes."""
        path = _written(bed, content)
        element = _start_naive_element(bed) if naive else None
        return cls(
            bare_asgi=_start_bare_asgi(bed, path),
            bare_fastapi=_start_bare_fastapi(bed, path),
            nginx=_start_nginx(bed, path),
            naive_element=element,
            naive_ingester=_start_naive_ingester(bed, element) if element else None,
        )


def start_nginx(bed: Bed, content: int) -> int | None:
    """One more, for other content; None where it is not installed."""
    return _start_nginx(bed, _written(bed, content))


def _start_bare_asgi(bed: Bed, content: Path) -> int:
    settings = bare_asgi.Settings(file=content)
    return bed.start_peer(lambda port, where: application(bare_asgi.__name__, settings, port, where))


def _start_bare_fastapi(bed: Bed, content: Path) -> int:
    settings = bare_fastapi.Settings(file=content)
    return bed.start_peer(lambda port, where: application(bare_fastapi.__name__, settings, port, where))


def _start_naive_element(bed: Bed) -> int:
    """Has a database of its own in the fleet's server, and uses the fleet's Redis."""
    directory = bed.directory / "naive-element"
    directory.mkdir()
    settings = naive_element.Settings(
        directory=directory,
        postgres_url=bed.fleet.servers.cluster.create_database(DATABASE),
        redis_url=bed.fleet.servers.redis_url,
        issuer=bed.fleet.url("admin"),
    )
    return bed.start_peer(lambda port, where: application(naive_element.__name__, settings, port, where))


def _start_naive_ingester(bed: Bed, element: int) -> int:
    settings = naive_ingester.Settings(element_url=f"http://127.0.0.1:{element}", issuer=bed.fleet.url("admin"))
    return bed.start_peer(lambda port, where: application(naive_ingester.__name__, settings, port, where))


def _start_nginx(bed: Bed, content: Path) -> int | None:
    binary = nginx.find()
    return bed.start_peer(lambda port, where: nginx.build(binary, content, port, where)) if binary else None


def _written(bed: Bed, content: int | bytes) -> Path:
    path = bed.directory / f"content-{content if isinstance(content, int) else len(content)}"
    with path.open("wb") as file:
        file.writelines([content] if isinstance(content, bytes) else Body.fresh(content).pieces())
    path.chmod(0o644)
    return path
