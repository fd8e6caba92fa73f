"""What tests of app passwords share: requests about them, an application whose contractors have none, cheap hashing."""

import argon2

from support.integrator import Answer, Integrator, Json

WRONG = "aaaa-bbbb-cccc-dddd-eeee-ffff"
NO = {"object": "app_password_check", "valid": False, "app_password_id": None}
POLICY = '[applications."Example Bank".groups.contractors]\napp_passwords = false\n'


async def make(integrator: Integrator, enrollment_id: str, name: str = "Mail", **fields: object) -> Json:
    wish = {"name": name, **fields}
    answer = await integrator.ask("POST", f"/v1/enrollments/{enrollment_id}/app-passwords", wish)
    assert answer.status == 201, answer
    return answer.body


async def listed(integrator: Integrator, enrollment_id: str) -> list[Json]:
    answer = await integrator.ask("GET", f"/v1/enrollments/{enrollment_id}/app-passwords")
    assert answer.status == 200, answer
    return answer.body["data"]


async def check(integrator: Integrator, password: str, user: str = "alice", **fields: str) -> Answer:
    return await integrator.ask("POST", "/v1/app-passwords/check", {"user": user, "password": password, **fields})


async def delete(integrator: Integrator, enrollment_id: str, app_password_id: str) -> Answer:
    return await integrator.ask("DELETE", f"/v1/enrollments/{enrollment_id}/app-passwords/{app_password_id}")


class Counting(argon2.PasswordHasher):
    """Costs next to nothing, and counts its verifications."""

    verified = 0

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)

    def verify(self, *given: str) -> bool:
        self.verified += 1
        return super().verify(*given)
