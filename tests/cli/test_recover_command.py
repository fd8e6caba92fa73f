"""`poundkey recover`: it needs a database that no gateway uses, and prints what was open."""


async def test_a_database_that_a_gateway_uses_is_refused(beside):
    code, _, err = await beside("recover")
    assert code == 2
    assert "another gateway" in err


def test_it_prints_what_was_open(poundkey, serve_environment):
    code, out, _ = poundkey("recover", **serve_environment)
    assert code == 0
    assert [line.split()[:2] for line in out.splitlines()] == [
        ["verifications", "0"],
        ["sends", "0"],
        ["notifications", "0"],
    ]
