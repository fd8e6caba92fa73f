"""What the operator has set for each application: its policy and those of its groups, its brand, its texts."""

from collections.abc import Mapping, Sequence

import msgspec

from gateway.domain.policy import DEFAULTS, Policy


class Logo(msgspec.Struct, frozen=True):
    """A picture, as it was when it was loaded."""

    media_type: str
    content: bytes

    def __repr__(self) -> str:
        return f"Logo({self.media_type}, {len(self.content)} bytes)"


class Branding(msgspec.Struct, frozen=True):
    """How an application looks to its people; what is empty or None is not shown. `colour` is #rrggbb."""

    name: str = ""
    logo: Logo | None = None
    colour: str = "#0d5f54"
    support_email: str = ""
    support_url: str = ""
    support_phone: str = ""


class Wording(msgspec.Struct, frozen=True):
    """What an application's texts say in place of ours: templates by locale, and the hash of its Android app."""

    code: Mapping[str, str] = {}
    android_app_hash: str = ""


class ApplicationProfile(msgspec.Struct, frozen=True):
    """Everything that is set for one application; `groups` are in the order in which they are looked up."""

    policy: Policy = DEFAULTS
    groups: Mapping[str, Policy] = {}
    branding: Branding = Branding()
    wording: Wording = Wording()


class Applications:
    """The policies, brands and texts of all applications; one without a profile of its own has the default."""

    def __init__(self, default: ApplicationProfile, named: Mapping[str, ApplicationProfile]) -> None:
        self._default = default
        self._named = named

    def for_person(self, application_name: str, groups: Sequence[str]) -> Policy:
        """Return what holds for a person in these groups; the first group that has a policy decides."""
        profile = self._profile(application_name)
        return next((policy for group, policy in profile.groups.items() if group in groups), profile.policy)

    def branding(self, application_name: str) -> Branding:
        """Return how an application looks; without a name for people it goes by the one that it has here."""
        branding = self._profile(application_name).branding
        return branding if branding.name else msgspec.structs.replace(branding, name=application_name)

    def wording(self, application_name: str) -> Wording:
        """Return what an application's texts say."""
        return self._profile(application_name).wording

    def names(self) -> tuple[str, ...]:
        """List the applications that have profiles of their own, in the order of the file."""
        return tuple(self._named)

    def _profile(self, application_name: str) -> ApplicationProfile:
        return self._named.get(application_name, self._default)
