"""What the settings say of single parts, for the composition root."""

from gateway.call_scripts import CallScripts
from gateway.catalogs import Phrasebooks
from gateway.outbox_ports import Sending
from gateway.providers.twilio import TwilioProvider
from gateway.replies import Replies
from gateway.settings import Settings
from gateway.stores.sqlite import SqliteStore
from gateway.vault import Vault
from webhooks.addresses import Addresses
from webhooks.signature import Algorithm, SignatureScheme


def provider_of(settings: Settings) -> TwilioProvider:
    """Return the provider."""
    twilio = settings.twilio
    return TwilioProvider(
        account_sid=twilio.account_sid,
        auth_token=twilio.auth_token,
        base_url=twilio.base_url,
        max_connections=twilio.connections,
        connect_timeout=twilio.connect_timeout,
        total_timeout=twilio.total_timeout,
    )


def signatures_of(settings: Settings) -> SignatureScheme:
    """Return what proves the provider's callbacks."""
    twilio = settings.twilio
    tokens = twilio.signing_tokens or (twilio.auth_token,)
    return SignatureScheme.prepared(settings.server.public_url, tokens, Algorithm(twilio.signature_algorithm))


def replies_of(settings: Settings, store: SqliteStore, phrasebooks: Phrasebooks, vault: Vault) -> Replies:
    """Return the journey of people's texts."""
    text = settings.text
    return Replies(
        store.replies,
        phrasebooks,
        vault,
        settings.limits,
        sender=text.sender,
        fraud_words=text.fraud_words,
        answer_keywords=text.answer_keywords,
    )


def sending_of(settings: Settings) -> Sending:
    """Return how sends go out."""
    outbox = settings.outbox
    return Sending(
        text_sender=settings.text.sender,
        caller=settings.voice.caller,
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
