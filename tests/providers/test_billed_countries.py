"""What is counted for the bill is counted for the country that the number belongs to."""

import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType
from prometheus_client.parser import text_string_to_metric_families

from gateway.domain.verification import Channel
from gateway.metrics import GatewayState, Metrics

NOTHING = GatewayState(
    ready=True, workers={}, open_circuits={}, waiters=0, sends_in_progress=0, sends_queued=0, oldest_queued=0.0
)


def numbers() -> list[str]:
    """List a mobile and a fixed number of every region."""
    kinds = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE)
    examples = [phonenumbers.example_number_for_type(region, kind) for region in sorted(regions()) for kind in kinds]
    return [phonenumbers.format_number(example, PhoneNumberFormat.E164) for example in examples if example]


def regions() -> set[str]:
    return set(phonenumbers.SUPPORTED_REGIONS)


def billed(metrics: Metrics) -> dict[str, float]:
    families = text_string_to_metric_families(metrics.render(NOTHING).decode())
    samples = [sample for family in families for sample in family.samples]
    return {
        sample.labels["country"]: sample.value for sample in samples if sample.name == "poundkey_sends_billed_total"
    }


@pytest.mark.parametrize("order", [1, -1])
def test_every_number_is_its_countrys_whoever_came_before(order):
    metrics = Metrics()
    expected: dict[str, float] = {}
    for number in numbers()[::order]:
        region = phonenumbers.region_code_for_number(phonenumbers.parse(number)) or "ZZ"
        expected[region] = expected.get(region, 0) + 1
        metrics.billed(Channel.SMS, number, 1)
    assert billed(metrics) == expected
    assert len(expected) > 200
