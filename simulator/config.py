"""What a simulator is started with."""

from __future__ import annotations

import msgspec

from simulator.dialects import DIALECTS, Dialect, Sign


class Quirks(msgspec.Struct, frozen=True, kw_only=True):
    """Points on which the provider's documents are silent or disagree; an application must survive both readings.

    Attributes:
        lone_finish_key_waits: A finish key pressed before any digit is ignored until the time-out, instead of ending
            the Gather at once. Either way it makes no request.
        empty_result_omits_digits: A request under `actionOnEmptyResult` has no `Digits` field, instead of an empty one.
        leftover_keys_carry_over: Keys pressed while no Gather is open count for the next one, instead of being lost.
    """

    lone_finish_key_waits: bool = False
    empty_result_omits_digits: bool = False
    leftover_keys_carry_over: bool = False


class SimulatorConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one simulated phone network.

    Attributes:
        auth_token: The secret of REST requests (HTTP Basic password) and the key of callback signatures.
        account_sid: Account that owns the numbers; sent with messages from handsets. REST accepts any AccountSid.
        numbers: E.164 numbers that the account may send and call from.
        inbound_url: Webhook for texts sent to `numbers`; None accepts them silently.
        ring_timeout: Seconds a call rings when the request gives no `Timeout`.
        speed: Initial speed of the clock, see `simulator.clock.Clock`.
        default_persona: Persona of a handset that has none.
        calls_per_second: Rate at which queued calls are dialled (Twilio: 1 by default); None dials at once.
        keeps_opt_outs: Whether STOP, START and HELP are heeded and answered, as on all numbers but short codes.
        messaging_service_sid: The Messaging Service that the numbers belong to, which then also says in its requests
            about texts what a keyword asks for (Twilio: Advanced Opt-Out).
        quirks: Readings of undocumented behaviour.
        dialect: The provider that the network is, see `simulator.dialects`.
        signing_key: What callbacks are signed with, if not the token: any text, or for `telnyx` base64 of the 32 bytes
            of an Ed25519 private key, which it needs.
    """

    auth_token: str
    account_sid: str
    numbers: tuple[str, ...]
    inbound_url: str | None = None
    ring_timeout: int = 60
    speed: float = 1.0
    default_persona: str = "manual"
    calls_per_second: float | None = None
    keeps_opt_outs: bool = True
    messaging_service_sid: str | None = None
    quirks: Quirks = Quirks()
    dialect: str = "twilio"
    signing_key: str = ""

    @property
    def spoken(self) -> Dialect:
        """Return what is particular to the provider."""
        return DIALECTS[self.dialect]

    @property
    def sign(self) -> Sign:
        """Return the signer of callbacks."""
        return self.spoken.signer(self.signing_key or self.auth_token)

    def __post_init__(self) -> None:
        """Refuse impossible settings.

        Raises:
            ValueError: There is no number, or no such dialect.
        """
        if self.dialect not in DIALECTS:
            raise ValueError(f"the dialect must be one of {', '.join(DIALECTS)}")
        if not self.numbers:
            raise ValueError("the account needs at least one number")
