"""`poundkey restored`: it works on a database that no gateway has, and says what it found."""


async def test_a_database_that_a_gateway_has_is_left_alone(beside):
    code, _, err = await beside("restored")
    assert code == 2
    assert "another gateway" in err


def test_it_says_what_was_under_way(poundkey, serve_environment):
    code, out, _ = poundkey("restored", **serve_environment)
    assert code == 0
    assert [line.split()[:2] for line in out.splitlines()] == [["verifications", "0"], ["sends", "0"], ["notices", "0"]]
