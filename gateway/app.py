"""The composition root: builds every part from the settings and joins them."""

import contextlib
import gc
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
from aiohttp import web

from gateway.api.app_passwords import AppPasswordRoutes
from gateway.api.auth import ApiKeyAuth, problem_middleware
from gateway.api.authentication import AuthenticationRoutes
from gateway.api.bodies import LARGEST_BODY
from gateway.api.enrollments import EnrollmentRoutes
from gateway.api.openapi import Operation
from gateway.api.pins import PinRoutes
from gateway.api.recordings import RecordingRoutes
from gateway.api.service import ServiceRoutes
from gateway.api.streams import LongPollLimit
from gateway.api.verifications import VerificationRoutes
from gateway.clock import Clock, SteadyClock
from gateway.domain.applications import Applications
from gateway.domain.outbox import OutboxKind
from gateway.metrics import Metrics, Scrape, scraper
from gateway.outbox.attempts import Attempts
from gateway.outbox.dispatcher import Contents, Dispatcher
from gateway.outbox.notifications import Notifications
from gateway.outbox.reconciler import Reconciler
from gateway.outbox.scheduler import DueVerifications, Scheduler
from gateway.pages.assets import AssetRoutes
from gateway.pages.i18n import load_translations
from gateway.pages.portal_requests import PageServices, PortalSessions
from gateway.pages.rendering import Pages
from gateway.pages.routes import page_routes
from gateway.security.generators import Generators, new_code, new_id, new_token
from gateway.security.password_hashing import PasswordHasher, PinHashes, owasp_hasher
from gateway.security.vault import Vault
from gateway.services.app_passwords import AppPasswords
from gateway.services.authentication import Authentication
from gateway.services.backup_phone import BackupPhones
from gateway.services.code_texts import CodeTexts
from gateway.services.counters import Counters
from gateway.services.enrollments import Enrollments
from gateway.services.phrasebooks import load_phrasebooks
from gateway.services.pins import Pins
from gateway.services.portal import Portal, PortalOptions
from gateway.services.recordings import load_recordings
from gateway.services.verifications import Sending, Verifications
from gateway.settings.applications import load_applications
from gateway.settings.settings import Settings, fingerprint_keys, key_bytes, sealing_keys
from gateway.stores import opening
from gateway.stores.store import Store
from gateway.wiring import callbacks_of, provider_pool_of, sending_settings_of

_HERE = Path(__file__).parent
CONFIG = _HERE / "_config" if (_HERE / "_config").is_dir() else _HERE.parent / "config"
"""Where the wheel, or the source tree, has `config/`."""

_NS = 1_000_000  # in a millisecond
_clock = SteadyClock(lambda: time.monotonic_ns() // _NS)


def now() -> int:
    """Return the time in ms since the epoch; setting the system clock back does not set it back."""
    _clock.learn(time.time_ns() // _NS)
    return _clock()


class Gateway(msgspec.Struct, frozen=True):
    """The running parts, and the application that serves them."""

    store: Store
    services: "Services"
    application: web.Application
    scrape: Scrape


class Services(msgspec.Struct, frozen=True):
    """The services behind the API and the pages."""

    verifications: Verifications
    enrollments: Enrollments
    authentication: Authentication
    app_passwords: AppPasswords
    pins: Pins
    portal: Portal


def vault_of(settings: Settings) -> Vault:
    """Return the keys' vault."""
    keys = settings.keys
    return Vault(sealing_keys(keys.sealing), fingerprint_keys(keys.fingerprint), key_bytes(keys.code))


async def open_store(settings: Settings) -> Store:
    """Open the database; a file is brought to head first. Raises StoreUnavailable."""
    return await opening.open_store(settings.database.url, vault_of(settings), now)


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Gateway]:
    """Build the gateway and let it work until the block ends; raises StoreUnavailable.

    At the end, sends under way finish, and what is left is in the store for the next start.
    """
    async with contextlib.AsyncExitStack() as stack:
        store = await open_store(settings)
        stack.push_async_callback(store.close)
        metrics = Metrics()
        clock, outbox = store.clock, store.outbox
        providers = provider_pool_of(settings, metrics, clock)
        for account in providers.accounts:
            stack.push_async_callback(account.provider.close)
        vault = vault_of(settings)
        phrasebooks = load_phrasebooks(CONFIG / "locales")
        recordings = load_recordings(settings.voice.recordings_folder, phrasebooks.all())
        phrasebooks = phrasebooks.with_recordings(recordings.urls(settings.server.public_url))
        applications = load_applications(settings.portal.applications_file, settings.text.bound_origin)
        texts = CodeTexts(applications, phrasebooks, settings.text.bound_origin)
        sending = sending_settings_of(settings)
        attempts = Attempts(store.verifications, outbox, texts, vault, sending, clock, metrics)
        contents: dict[OutboxKind, Contents] = {
            OutboxKind.ATTEMPT: attempts,
            OutboxKind.NOTIFICATION: Notifications(outbox, providers, applications, phrasebooks, clock),
        }
        dispatcher = Dispatcher(outbox, store.suppressions, providers, contents, sending, clock)
        stack.push_async_callback(dispatcher.close, settings.server.drain / 2)
        passwords = PasswordHasher(owasp_hasher())
        stack.callback(passwords.close)
        pin_hashes = PinHashes(vault, passwords)
        services = _build_services(
            settings, store, applications, vault, Sending(providers.route, dispatcher.submit), passwords, metrics
        )
        backups = BackupPhones(
            store.verifications, store.enrollments, services.authentication, services.verifications, metrics
        )
        reconciler = Reconciler(store.verifications, attempts, providers, settings.limits, clock, backups)
        stack.push_async_callback(reconciler.close)
        draw = services.verifications.new_attempt
        due = DueVerifications(store.verifications, dispatcher.submit, draw, settings.limits, clock, backups, metrics)
        scheduler = Scheduler(store, dispatcher, reconciler, due, settings.retention, clock)
        stack.push_async_callback(scheduler.close)
        api_key_auth = ApiKeyAuth(store.api_keys.all, store.idempotency.response, clock)
        operations = _operations(api_key_auth, services, settings, store.clock)
        workers = {
            "dispatcher": lambda: dispatcher.alive,
            "reconciler": lambda: reconciler.alive,
            "scheduler": lambda: scheduler.alive,
        }
        application = web.Application(client_max_size=LARGEST_BODY, middlewares=[problem_middleware(new_id)])
        application.add_routes(
            [
                web.route(op.method, op.path, api_key_auth.authenticated(op.strict_handler, once=op.idempotent))
                for op in operations
            ]
        )
        for account in providers.accounts:
            application.add_routes(
                callbacks_of(settings, store, account, phrasebooks, vault, pin_hashes, backups, metrics)
            )
        application.add_routes(_pages(settings, store.clock, applications, services))
        application.add_routes(RecordingRoutes(recordings).routes())
        application.add_routes(ServiceRoutes(store.ready, workers, operations).routes())
        _calm_the_garbage_collector()
        load = lambda: (services.verifications.waiting, dispatcher.attempts_in_hand)  # noqa: E731 - one use
        scrape = scraper(metrics, store, workers, load, providers.open_circuits)
        yield Gateway(store, services, application, scrape)


@contextlib.asynccontextmanager
async def serving(gateway: Gateway, settings: Settings, *, share_port: bool = False) -> AsyncIterator[int]:
    """Answer requests until the block ends, and yield the port, which other processes may share.

    At the end it accepts no connection any more, answers the waiting requests, and lets running requests finish.
    """
    runner = web.AppRunner(
        gateway.application,
        access_log=None,
        keepalive_timeout=15.0,
        lingering_time=1.0,
        shutdown_timeout=settings.server.drain / 4,  # aiohttp waits for so long twice
    )
    await runner.setup()
    try:
        site = web.TCPSite(
            runner, settings.server.host, settings.server.port, backlog=1024, reuse_port=share_port or None
        )
        await site.start()
        try:
            yield runner.addresses[0][1]
        finally:
            await site.stop()
            gateway.services.verifications.stop_waiting()
    finally:
        await runner.cleanup()


def _calm_the_garbage_collector() -> None:
    """Leave what was built at the start out of every collection, and collect less often: requests leave few cycles."""
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


def _build_services(
    settings: Settings,
    store: Store,
    applications: Applications,
    vault: Vault,
    sending: Sending,
    passwords: PasswordHasher,
    counters: Counters,
) -> Services:
    enrollments, generators = store.enrollments, Generators()
    verifications = Verifications(
        store.verifications,
        enrollments,
        applications,
        vault,
        settings.limits,
        counters,
        sending,
        generators,
    )
    return Services(
        verifications,
        Enrollments(enrollments, applications, clock=store.clock, new_id=new_id),
        Authentication(enrollments, applications, verifications, vault, clock=store.clock, new_code=new_code),
        AppPasswords(
            enrollments,
            store.rate_counters,
            applications,
            vault,
            passwords,
            settings.limits,
            store.clock,
            generators,
        ),
        Pins(enrollments, PinHashes(vault, passwords)),
        Portal(
            enrollments,
            store.portal,
            store.api_keys,
            applications,
            vault,
            store.clock,
            new_token,
            PortalOptions(settings.server.public_url, settings.portal.link_lifetime, settings.portal.session_lifetime),
        ),
    )


def _operations(api_key_auth: ApiKeyAuth, services: Services, settings: Settings, clock: Clock) -> list[Operation]:
    long_polls = LongPollLimit(settings.server.waits_per_application)
    return [
        *VerificationRoutes(api_key_auth, services.verifications, settings.limits, long_polls).operations(),
        *EnrollmentRoutes(api_key_auth, services.enrollments, clock).operations(),
        *AuthenticationRoutes(api_key_auth, services.authentication, services.portal, settings.limits).operations(),
        *AppPasswordRoutes(api_key_auth, services.app_passwords).operations(),
        *PinRoutes(services.pins, clock).operations(),
    ]


def _pages(settings: Settings, clock: Clock, applications: Applications, services: Services) -> list[web.RouteDef]:
    page_services = PageServices(
        portal=services.portal,
        enrollments=services.enrollments,
        authentication=services.authentication,
        app_passwords=services.app_passwords,
        pins=services.pins,
        verifications=services.verifications,
    )
    pages = Pages(load_translations(CONFIG / "locales"))
    return page_routes(
        PortalSessions(page_services, applications, pages, clock, settings.server.public_url),
        page_services,
        AssetRoutes(pages, applications, services.portal),
        pages,
        limits=settings.limits,
        keypad=settings.voice.keypad,
        clock=clock,
        new_token=new_token,
    )
