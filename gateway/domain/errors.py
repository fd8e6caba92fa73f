"""The rejections of requests: one stable code each, with who decided and what to do next."""

from enum import StrEnum


class ErrorCode(StrEnum):
    """Stable words of the public contract; `docs/refusals.md` explains each."""

    NOT_FOUND = "not_found"
    NUMBER_INVALID = "number_invalid"
    NUMBER_BLOCKED = "number_blocked"
    NUMBER_STOPPED = "number_stopped"
    RATE_LIMITED = "rate_limited"
    CODE_MALFORMED = "code_malformed"
    NO_CODE_SENT = "no_code_sent"
    VERIFICATION_FINISHED = "verification_finished"
    ENROLLMENT_BLOCKED = "enrollment_blocked"
    PHONES_FULL = "phones_full"
    PHONE_NOT_PROVEN = "phone_not_proven"
    NO_METHOD = "no_method"
    RETURN_URL_FORBIDDEN = "return_url_forbidden"
    BYPASS_INVALID = "bypass_invalid"
    METHOD_FORBIDDEN = "method_forbidden"
    COUNTRY_FORBIDDEN = "country_forbidden"
    LINE_TYPE_FORBIDDEN = "line_type_forbidden"
    PHONE_KIND_FORBIDDEN = "phone_kind_forbidden"
    NUMBER_SHARED_TOO_OFTEN = "number_shared_too_often"
    FEATURE_OFF = "feature_off"
    PIN_NOT_SET = "pin_not_set"
    PIN_LOCKED = "pin_locked"
    PIN_MALFORMED = "pin_malformed"
    PIN_TOO_SIMPLE = "pin_too_simple"
    APP_PASSWORDS_FULL = "app_passwords_full"
    APP_PASSWORD_NAME_INVALID = "app_password_name_invalid"  # noqa: S105 - a word of the contract
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    IDEMPOTENCY_KEY_IN_FLIGHT = "idempotency_key_in_flight"
    STORE_UNAVAILABLE = "store_unavailable"


class Rejected(Exception):
    """A request we will not carry out; nothing of it happened.

    `field` names the request's field at fault, if one is. `retry_after` is in whole seconds, if waiting helps.
    """

    def __init__(
        self, code: ErrorCode, detail: str, *, field: str | None = None, retry_after: int | None = None
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.field = field
        self.retry_after = retry_after


class StoreUnavailable(Exception):
    """The database did not take the change; nothing of it happened. The detail is for the operator's log."""
