"""Builds single parts from the settings, for the composition root."""

from aiohttp import web

from gateway.clock import Clock
from gateway.domain.limits import SECOND
from gateway.domain.senders import Senders
from gateway.metrics import Metrics
from gateway.outbox.provider_pool import ProviderAccount, ProviderPool
from gateway.outbox.settings import SendingSettings
from gateway.providers.base import Provider
from gateway.providers.counting import CountedProvider, RequestCounters
from gateway.providers.dialects import TELNYX, Signature
from gateway.providers.http_client import ConnectionLimits
from gateway.providers.telnyx import TelnyxProvider
from gateway.providers.twilio.api import TwilioProvider
from gateway.providers.twilio.statuses import STATUS_WORDS
from gateway.security.password_hashing import PinHashes
from gateway.security.vault import Vault
from gateway.services.call_pins import CallPins
from gateway.services.call_scripts import CallScripts
from gateway.services.callbacks import Callbacks, CallHandling
from gateway.services.counters import Counters
from gateway.services.inbound_sms import InboundSms, InboundSmsOptions
from gateway.services.phrasebooks import Phrasebooks
from gateway.services.report_listener import ReportListener
from gateway.settings.accounts import AccountSettings
from gateway.settings.settings import Settings
from gateway.stores.store import Store
from twiml.scripts import apology
from webhooks.routes import routes as callback_routes
from webhooks.signatures import Algorithm, Ed25519Verifier, HmacVerifier, SignatureVerifier
from webhooks.urls import Addresses


def provider_of(name: str, account: AccountSettings) -> Provider:
    """Return the provider that an account is at."""
    connections = ConnectionLimits(account.connections, account.connect_timeout, account.total_timeout)
    if account.spoken is TELNYX:
        return TelnyxProvider(
            name=name,
            account_sid=account.account_sid,
            application_sid=account.application_sid,
            auth_token=account.auth_token,
            base_url=account.api,
            connections=connections,
        )
    return TwilioProvider(
        name=name,
        dialect=account.spoken,
        account_sid=account.account_sid,
        auth_token=account.auth_token,
        base_url=account.api,
        connections=connections,
    )


def provider_pool_of(settings: Settings, counters: RequestCounters, clock: Clock) -> ProviderPool:
    """Return all providers, and the routes to them. An account without its secret, which no route names, is none."""
    text, voice, routes = settings.text, settings.voice, settings.routes
    accounts = [
        ProviderAccount(
            CountedProvider(provider_of(name, account), counters),
            Senders(account.sender) if account.sender else text.all_senders,
            Senders(account.caller) if account.caller else voice.all_callers,
            Addresses(settings.server.public_url, name),
        )
        for name, account in settings.accounts.items()
        if account.auth_token
    ]
    patience = max(account.total_timeout for account in settings.accounts.values())
    return ProviderPool(accounts, routes.lists, routes.health, int(patience * SECOND), clock)


def verifier_of(settings: Settings, name: str, clock: Clock) -> SignatureVerifier:
    """Return what verifies a provider's callbacks."""
    account = settings.accounts[name]
    dialect = account.spoken
    if dialect.signature is Signature.ED25519:
        return Ed25519Verifier.prepared(account.public_keys, clock)
    return HmacVerifier.prepared(
        settings.server.public_url,
        account.signing_tokens or (account.auth_token,),
        Algorithm(account.signature_algorithm),
        headers=dialect.signature_headers,
        signs_repeats=dialect.signs_repeats,
    )


def replies_of(
    settings: Settings, store: Store, phrasebooks: Phrasebooks, vault: Vault, senders: Senders, counters: Counters
) -> InboundSms:
    """Return the service for people's texts to the senders at one provider."""
    text = settings.text
    return InboundSms(
        store.inbound_sms,
        store.suppressions,
        phrasebooks,
        vault,
        settings.limits,
        counters,
        senders,
        InboundSmsOptions(text.fraud_words, text.answer_keywords),
    )


def sending_settings_of(settings: Settings) -> SendingSettings:
    """Return how attempts and notifications go out."""
    outbox = settings.outbox
    return SendingSettings(
        ring_timeout=settings.voice.ring_timeout,
        detect_machines=settings.voice.detect_machines,
        concurrency=outbox.concurrency,
        lease=outbox.lease,
        busy_tries=outbox.busy_tries,
        reconcile_after=outbox.reconcile_after,
        reconcile_for=outbox.reconcile_for,
        settle_after=outbox.settle_after,
    )


def call_scripts_of(settings: Settings, phrasebooks: Phrasebooks, addresses: Addresses, vault: Vault) -> CallScripts:
    """Return what calls say."""
    voice = settings.voice
    return CallScripts(phrasebooks, addresses, vault, voice.keypad, voice.second_language or None)


def callbacks_of(
    settings: Settings,
    store: Store,
    account: ProviderAccount,
    phrasebooks: Phrasebooks,
    vault: Vault,
    pin_hashes: PinHashes,
    reports: ReportListener,
    metrics: Metrics,
) -> list[web.RouteDef]:
    """Return the callback routes of one provider."""
    return callback_routes(
        provider=account.name,
        verifier=verifier_of(settings, account.name, store.clock),
        listener=Callbacks(
            store.verifications,
            CallHandling(
                call_scripts_of(settings, phrasebooks, account.addresses, vault),
                CallPins(store.enrollments, store.verifications, pin_hashes, settings.limits, store.clock),
            ),
            settings.limits,
            STATUS_WORDS,
            replies_of(settings, store, phrasebooks, vault, account.text_senders, metrics),
            reports,
            metrics,
            provider=account.name,
        ),
        apology=apology(phrasebooks.for_locale(None)),
        count=metrics.callback_received,
    )
