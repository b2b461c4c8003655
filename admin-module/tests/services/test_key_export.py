"""Private keys leave the fleet for one recipient, when two administrators agree on that one."""

import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from admin_module.adapters.checkpoints import make_log_key
from admin_module.adapters.sealing import SealedKeys
from admin_module.adapters.signing_keys import insert_key
from admin_module.domain.sealed_letters import Recipient
from admin_module.domain.signing_keys import SigningKey
from admin_module.services.approvals import Approvals
from admin_module.services.audit import AuditLog
from admin_module.services.key_export import KeyExporter
from artstore_kit.contracts.approvals import ApprovalState, GuardedOperation, NewApproval, keys_resource
from artstore_kit.contracts.audit import AuditEntry
from artstore_kit.contracts.errors import ApprovalInvalid, ApprovalRequired, InvalidFields
from artstore_kit.contracts.identity import LOGIN_CLIENT, Scope
from artstore_kit.postgres import Database
from artstore_kit.principal import Principal
from artstore_kit.testing.clock import MovableClock

type Recorded = Callable[[], Awaitable[list[AuditEntry]]]

ADA, BOB = (Principal(name, LOGIN_CLIENT, frozenset(Scope), (), frozenset(), 0) for name in ("ada", "bob"))


@pytest.fixture(scope="module")
def vault() -> rsa.RSAPrivateKey:
    """The private half of the recipient."""
    return rsa.generate_private_key(65537, 3072)


@pytest.fixture
def recipient(vault: rsa.RSAPrivateKey) -> Recipient:
    return Recipient.read(pem_of(vault.public_key()))


@pytest.fixture
def exporter(database: Database, audit: AuditLog, approvals: Approvals, sealed_keys: SealedKeys) -> KeyExporter:
    return KeyExporter(database, audit, approvals, sealed_keys)


def pem_of(key: rsa.RSAPublicKey | ed25519.Ed25519PublicKey) -> str:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def opened(jwe: str, key: rsa.RSAPrivateKey) -> dict[str, Any]:
    """By hand, as RFC 7516 section 5.2 says."""
    header, *parts = jwe.split(".")
    encrypted_key, nonce, ciphertext, tag = (base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in parts)
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    text = AESGCM(key.decrypt(encrypted_key, oaep)).decrypt(nonce, ciphertext + tag, header.encode())
    letter: dict[str, Any] = json.loads(text)
    return letter


async def approved(approvals: Approvals, recipient: Recipient) -> UUID:
    resource = keys_resource(recipient.fingerprint)
    new = NewApproval(operation=GuardedOperation.KEY_EXPORT, resource=resource, reason="for the vault")
    approval = await approvals.request(new, by=ADA)
    await approvals.decide(approval.approval_id, ApprovalState.APPROVED, "", by=BOB)
    return approval.approval_id


async def make_keys(database: Database, sealed_keys: SealedKeys, clock: MovableClock) -> tuple[str, bytes]:
    """The `kid` of a signing key, and the public half of the log's key."""
    public_jwk, sealed = sealed_keys.generate()
    async with database.transaction() as connection:
        log_key = await make_log_key(connection, sealed_keys, "admin.test", clock())
        await insert_key(connection, SigningKey(public_jwk["kid"], public_jwk, sealed, clock(), clock()))
    return public_jwk["kid"], log_key.public_key


async def test_the_recipient_alone_can_read_the_keys(
    exporter: KeyExporter,
    approvals: Approvals,
    vault: rsa.RSAPrivateKey,
    recipient: Recipient,
    database: Database,
    clock: MovableClock,
    recorded: Recorded,
) -> None:
    kid, log_key = await make_keys(database, exporter.sealed_keys, clock)
    export = await exporter.export(recipient, await approved(approvals, recipient), by=ADA)

    letter = opened(export.jwe, vault)
    assert isinstance(load_pem_private_key(letter["signing_keys"][kid].encode(), None), rsa.RSAPrivateKey)
    log_private = ed25519.Ed25519PrivateKey.from_private_bytes(base64.b64decode(letter["audit_keys"]["admin.test"]))
    assert log_private.public_key().public_bytes_raw() == log_key
    with pytest.raises(ValueError, match="failed"):
        opened(export.jwe, rsa.generate_private_key(65537, 3072))
    told = (await recorded())[-1]
    assert (told.actor, told.action, told.resource) == ("ada", "key.export", f"keys:{recipient.fingerprint}")
    assert told.detail == {"signing_keys": [kid], "audit_keys": ["admin.test"]}


async def test_nobody_exports_alone_or_to_somebody_else(
    exporter: KeyExporter, approvals: Approvals, recipient: Recipient, recorded: Recorded
) -> None:
    other = Recipient(rsa.generate_private_key(65537, 3072).public_key())
    with pytest.raises(ApprovalRequired) as refused:
        await exporter.export(recipient, None, by=ADA)
    assert refused.value.extra["resource"] == f"keys:{recipient.fingerprint}"
    approval_id = await approved(approvals, recipient)
    for whom, by in ((other, ADA), (recipient, BOB)):
        with pytest.raises(ApprovalInvalid):
            await exporter.export(whom, approval_id, by=by)
    assert "key.export" not in [entry.action for entry in await recorded()]


@pytest.mark.parametrize(
    "pem",
    [
        "",
        "nonsense",
        pem_of(rsa.generate_private_key(65537, 2048).public_key()),
        pem_of(ed25519.Ed25519PrivateKey.generate().public_key()),
    ],
    ids=["empty", "nonsense", "short", "another kind"],
)
def test_who_is_no_recipient(pem: str) -> None:
    with pytest.raises(InvalidFields, match="recipient"):
        Recipient.read(pem)
