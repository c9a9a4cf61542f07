"""The market data of a node's run: which catalogs it reads, and a fingerprint of their content."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING

from backtest_store.capture.identity.json_values import canonical, plain

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem  # type: ignore[import-untyped]
    from nautilus_trader.backtest.config import BacktestDataConfig, BacktestRunConfig
    from nautilus_trader.persistence.catalog import ParquetDataCatalog

LOCAL = frozenset({"file", "local", "memory"})
CHUNK = 1 << 20
ETAGS = ("ETag", "etag", "md5Hash", "content_md5", "checksum")


def source(config: BacktestRunConfig) -> str | None:
    """Name the catalogs that a run reads."""
    paths = dict.fromkeys(_location(data) for data in config.data)
    return ", ".join(paths) or None


def instrument_ids(config: BacktestRunConfig) -> list[str]:
    """List the instruments that a run asks its catalogs for."""
    from nautilus_trader.backtest.node import get_instrument_ids

    return sorted({str(i) for data in config.data for i in get_instrument_ids(data)})


def fingerprint(config: BacktestRunConfig) -> str | None:
    """Digest the instruments and the files that a run reads; None if a file cannot be told apart.

    Returns
    -------
    str or None
        SHA-256 in hex.
    """
    parts = [_fingerprint(data, config) for data in config.data]
    known = [part for part in parts if part is not None]
    if not known or len(known) < len(parts):
        return None
    return hashlib.sha256("\n".join(known).encode()).hexdigest()


def _fingerprint(data: BacktestDataConfig, config: BacktestRunConfig) -> str | None:
    from nautilus_trader.backtest.node import BacktestNode

    catalog = BacktestNode.load_catalog(data)
    files = [_file_digest(catalog.fs, str(file)) for file in sorted(_files(catalog, data, config))]
    if None in files:
        return None
    return canonical(plain([_instruments(catalog, data), files]))


def _files(
    catalog: ParquetDataCatalog, data: BacktestDataConfig, config: BacktestRunConfig
) -> list[str]:
    # The method by which the catalog itself finds what to read; its public name came later.
    found = catalog._query_files(  # noqa: SLF001
        data.data_type,
        _identifiers(data),
        data.start_time if data.start_time is not None else config.start,
        data.end_time if data.end_time is not None else config.end,
    )
    return list(found)


def _identifiers(data: BacktestDataConfig) -> list[str] | None:
    """Return the bar types or instruments that are asked for, as the node itself reads them."""
    from nautilus_trader.backtest.node import get_instrument_ids

    instruments = [str(i) for i in get_instrument_ids(data)]
    if data.bar_types is not None:
        return [str(bar_type) for bar_type in data.bar_types]
    if data.bar_spec is not None:
        return [f"{instrument}-{data.bar_spec}-EXTERNAL" for instrument in instruments]
    return instruments or None


def _instruments(catalog: ParquetDataCatalog, data: BacktestDataConfig) -> list[object]:
    from nautilus_trader.backtest.node import get_instrument_ids

    ids = [str(i) for i in get_instrument_ids(data)]
    found = catalog.instruments(instrument_ids=ids or None)
    return [type(i).to_dict(i) for i in sorted(found or [], key=lambda i: str(i.id))]


def _file_digest(fs: AbstractFileSystem, file: str) -> str | None:
    """Digest a local file's content; of a remote one take the tag by which its store tells it."""
    protocols = {fs.protocol} if isinstance(fs.protocol, str) else set(fs.protocol)
    facts = fs.info(file)
    if not protocols & LOCAL:
        return next((str(facts[tag]) for tag in ETAGS if facts.get(tag)), None)
    modified = facts.get("mtime", facts.get("created"))
    return _content_digest(fs, file, str(modified), int(facts.get("size") or 0))


@cache
def _content_digest(fs: AbstractFileSystem, file: str, _modified: str, _size: int) -> str:
    digest = hashlib.sha256()
    with fs.open(file, "rb") as content:
        while chunk := content.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _location(data: BacktestDataConfig) -> str:
    path = str(data.catalog_path)
    protocol = data.catalog_fs_protocol
    return path if protocol in (None, "file") or "://" in path else f"{protocol}://{path}"
