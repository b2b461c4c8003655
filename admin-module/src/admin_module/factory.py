"""The one room that names concrete classes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from admin_module.adapters.passwords import Passwords
from admin_module.adapters.registry import Registry
from admin_module.adapters.sealing import SealedKeys
from admin_module.adapters.tallies import SharedTallies, TalliesInMemory, TalliesInRedis
from admin_module.adapters.wake_up import WakeUp
from admin_module.config import KeysSettings, Settings
from admin_module.domain.checkpoints import log_name
from admin_module.domain.clock import Clock, utc_now
from admin_module.domain.key_turns import Turns
from admin_module.domain.limits import Limits
from admin_module.domain.metadata import ServerMetadata, server_metadata
from admin_module.domain.proofs import AssertionRules
from admin_module.domain.sessions import Lifetimes
from admin_module.services.access import Access
from admin_module.services.account_changes import AccountChanging
from admin_module.services.account_secrets import AccountSecrets
from admin_module.services.accounts import Accounts
from admin_module.services.administrators import Administrators
from admin_module.services.approvals import Approvals
from admin_module.services.audit import AuditLog
from admin_module.services.audit_proofs import AuditProofs
from admin_module.services.audit_retention import AuditRetention
from admin_module.services.audit_search import AuditSearch
from admin_module.services.checkpoints import Checkpoints
from admin_module.services.clients import Clients
from admin_module.services.credentials import Gate
from admin_module.services.element_removal import ElementRemoval
from admin_module.services.elements import Elements
from admin_module.services.enrolment import Enrolment
from admin_module.services.first_start import FirstStart
from admin_module.services.key_export import KeyExporter
from admin_module.services.key_life import KeyLife
from admin_module.services.keyring import Keyring
from admin_module.services.known_revocations import KnownRevocations
from admin_module.services.login import Login
from admin_module.services.own_issuer import OwnIssuer
from admin_module.services.presented import PresentedTokens
from admin_module.services.repeats import Repeats
from admin_module.services.reseal import Reseal
from admin_module.services.revocations import Revocations
from admin_module.services.roles import Roles
from admin_module.services.second_factor import SecondFactor
from admin_module.services.sessions import Sessions
from admin_module.services.tokens import ClientTokens
from artstore_kit.audit.opening import deliver_from, open_spool
from artstore_kit.audit.spool import Spool
from artstore_kit.contracts.audit import AuditBatch, AuditReceipt
from artstore_kit.contracts.identity import FleetAddresses
from artstore_kit.health import Check, Health
from artstore_kit.postgres import Database
from artstore_kit.redis import connect, ping
from artstore_kit.tokens.bearer import TokenVerifier
from artstore_kit.workers import Background, run_forever

ENDED_REMOVED_EVERY_S = 60.0
WARNED_EVERY_S = 60.0
KEYS_LOOKED_AT_EVERY_S = 10.0


@dataclass(frozen=True)
class Services:
    """What the admin module does."""

    tokens: ClientTokens
    presented: PresentedTokens
    login: Login
    sessions: Sessions
    administrators: Administrators
    enrolment: Enrolment
    keyring: Keyring
    key_life: KeyLife
    accounts: Accounts
    account_changing: AccountChanging
    account_secrets: AccountSecrets
    roles: Roles
    access: Access
    approvals: Approvals
    elements: Elements
    element_removal: ElementRemoval
    key_exporter: KeyExporter
    audit: AuditLog
    revocations: Revocations
    known_revocations: KnownRevocations
    issuer: OwnIssuer
    spool: Spool
    audit_proofs: AuditProofs
    audit_search: AuditSearch
    checkpoints: Checkpoints
    metadata: ServerMetadata
    addresses: FleetAddresses
    checks: tuple[Check, ...]


@asynccontextmanager
async def open_services(
    settings: Settings, _stopping: asyncio.Event, clock: Clock = utc_now
) -> AsyncIterator[Services]:
    """Connect, furnish an empty database, show the known elements; close in reverse order."""
    async with Background() as background:
        spool = await open_spool(background, settings.audit, "admin-module")
        database, redis = Database(settings.postgres, "admin-module"), connect(settings.redis, "admin-module")
        background.at_end(database.close)
        background.at_end(redis.aclose)
        passwords, sealed_keys = Passwords(), sealed_keys_of(settings.keys)
        keyring = Keyring(database, sealed_keys, settings.tokens, clock)
        audit = AuditLog(database, clock)
        repeats = Repeats(database, audit, sealed_keys, clock)
        approvals = Approvals(database, audit, repeats, timedelta(seconds=settings.approvals.lifetime_s), clock)
        revocations = Revocations(database, clock)
        sessions = Sessions(database, audit, keyring, revocations, _lifetimes(settings), clock)
        registry = Registry(redis)
        elements = Elements(database, audit, registry, clock)
        metadata = server_metadata(settings.tokens.issuer, settings.public.admin_url)
        tallies = SharedTallies(TalliesInRedis(redis), TalliesInMemory())
        assertions = AssertionRules(metadata.audiences, settings.limits.assertion_lifetime_s)
        limits = Limits(settings.limits)
        clients = Clients(database, tallies, limits, assertions, clock)
        second_factor = SecondFactor(sealed_keys, clock)
        gate = Gate(database, audit, passwords, second_factor, tallies, limits, clock)
        await FirstStart(database, audit, settings.bootstrap, passwords, sealed_keys, revocations, clock).run()
        await Reseal(database, audit, sealed_keys).run()
        key_life = KeyLife(database, audit, sealed_keys, keyring, revocations, turns_of(settings.keys), clock)
        await key_life.keep_up()
        await keyring.open()
        await background.start("signing keys", run_forever("signing keys", KEYS_LOOKED_AT_EVERY_S, key_life.keep_up))
        await elements.show_again()
        known_revocations = KnownRevocations(revocations, clock)
        issuer = OwnIssuer(keyring, known_revocations, WakeUp(redis))
        ended = run_forever("ended revocations", ENDED_REMOVED_EVERY_S, revocations.forget_ended)
        await background.start("ended revocations", ended)
        delivery = await deliver_from(background, spool, partial(_append, audit))
        checkpoints = Checkpoints(database, audit, sealed_keys, log_name(settings.tokens.issuer), clock)
        await checkpoints.open()
        await background.start("audit checkpoints", run_forever("audit_checkpoints", 0.5, checkpoints.sign_if_due))
        retention = AuditRetention(database, audit, timedelta(days=settings.audit_log.retention_days), clock)
        await background.start("audit retention", run_forever("audit_retention", 3600, retention.apply))
        secrets = AccountSecrets(database, audit, repeats, revocations, settings.accounts, clock)
        await background.start("ending secrets", run_forever("ending secrets", WARNED_EVERY_S, secrets.warn))
        yield Services(
            tokens=ClientTokens(clients, keyring),
            login=Login(database, audit, gate, passwords, sessions),
            enrolment=Enrolment(database, audit, gate, second_factor, clock),
            administrators=Administrators(database, audit, repeats, passwords, sessions, revocations, clock),
            sessions=sessions,
            presented=PresentedTokens(
                database, audit, clients, TokenVerifier(settings.tokens, issuer), revocations, sessions, clock
            ),
            keyring=keyring,
            accounts=Accounts(database, audit, repeats, settings.accounts, clock),
            account_changing=AccountChanging(database, audit, revocations),
            account_secrets=secrets,
            roles=Roles(database, audit, repeats, revocations, clock),
            access=Access(database, clock),
            approvals=approvals,
            key_life=key_life,
            elements=elements,
            key_exporter=KeyExporter(database, audit, approvals, sealed_keys),
            element_removal=ElementRemoval(database, audit, approvals, registry, clock),
            audit=audit,
            revocations=revocations,
            known_revocations=known_revocations,
            spool=spool,
            issuer=issuer,
            metadata=metadata,
            audit_proofs=AuditProofs(database),
            audit_search=AuditSearch(database),
            checkpoints=checkpoints,
            addresses=FleetAddresses(**settings.public.model_dump()),
            checks=(
                Check("postgres", database.ping),
                Check("redis", lambda: ping(redis), Health.DEGRADED),
                Check("signing_key", keyring.check),
                checkpoints.told_in(delivery),
            ),
        )


async def _append(log: AuditLog, batch: bytes) -> AuditReceipt:
    """What the other services send over HTTP, from this one's own spool."""
    return await log.append(AuditBatch.model_validate_json(batch).entries)


def _lifetimes(settings: Settings) -> Lifetimes:
    return Lifetimes(timedelta(hours=settings.sessions.idle_hours), timedelta(days=settings.sessions.longest_days))


def sealed_keys_of(settings: KeysSettings) -> SealedKeys:
    """Seals with the key of the settings, and opens with the previous ones too."""
    return SealedKeys(settings.sealing_key_bytes, *settings.previous_sealing_keys_bytes)


def turns_of(settings: KeysSettings) -> Turns:
    """How keys take turns."""
    return Turns(timedelta(hours=settings.rotation_hours), timedelta(seconds=settings.published_ahead_s))


async def reseal(settings: Settings) -> int:
    """Seal anew what was sealed with a previous key, as each start does; how many secrets were."""
    database = Database(settings.postgres, "admin-module reseal")
    try:
        return await Reseal(database, AuditLog(database, utc_now), sealed_keys_of(settings.keys)).run()
    finally:
        await database.close()
