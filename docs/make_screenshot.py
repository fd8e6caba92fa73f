"""Takes the screenshots in docs/images from the running program.

handset.png: handsets with texts, and a call that waits for the pound key. enrollment.png: the enrollment page of that
call.
"""

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, expect, sync_playwright

IMAGES = Path(__file__).parent / "images"
CALLED = "+14255550123"
TEXTED = ("+442079460958", "+4915123456789")
LOCALES = {"+442079460958": "en-GB", "+4915123456789": "de"}
VIEWPORT = ViewportSize(width=1280, height=860)
CARD = ViewportSize(width=640, height=700)


def main() -> None:
    """Run the program once, and write the screenshots."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("Chromium is required and was not found")
    with poundkey() as (api, phones, key), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport=VIEWPORT, device_scale_factor=1.5)
        page.goto(phones)
        expect(page.locator("#connection")).to_have_text("Live")
        for number in TEXTED:
            post(api, key, "verifications", to=number, channel="sms", locale=LOCALES[number])
            expect(page.locator("#phone-list")).to_contain_text(number[-3:])
        form = browser.new_page(viewport=CARD, device_scale_factor=1.5)
        enroll(form, api, key)
        page.get_by_role("button", name="Answer").click()
        expect(page.get_by_text("Waiting for your key")).to_be_visible(timeout=30_000)
        expect(form.get_by_text("Listen to the call, then press # on your phone.")).to_be_visible()
        page.screenshot(path=IMAGES / "handset.png")
        form.screenshot(path=IMAGES / "enrollment.png")
        browser.close()
    for image in sorted(IMAGES.glob("*.png")):
        print(f"{image.name}: {image.stat().st_size // 1024} kB")


@contextlib.contextmanager
def poundkey() -> Iterator[tuple[str, str, str]]:
    """Run `poundkey dev` on free ports; yields the URLs of the API and the handsets, and the API key."""
    port, simulator_port = free_port(), free_port()
    key = f"pk_{secrets.token_urlsafe(32)}"
    with tempfile.TemporaryDirectory() as folder:
        ports = ["--port", str(port), "--simulator-port", str(simulator_port)]
        command = [sys.executable, "-m", "gateway", "dev", *ports, "--data-dir", folder]
        environment = {**os.environ, "POUNDKEY_DEV_API_KEY": key}
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as program:  # noqa: S603 - our own program
            try:
                wait_until_ready(program)
                yield f"http://127.0.0.1:{port}", f"http://127.0.0.1:{simulator_port}", key
            finally:
                program.terminate()


def wait_until_ready(program: subprocess.Popen[str]) -> None:
    """Wait until the program prints its API key."""
    if program.stdout is None or not any("API key" in line for line in program.stdout):
        sys.exit("poundkey dev did not start")


def free_port() -> int:
    """Return a free port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def post(api: str, key: str, path: str, **body: str) -> dict[str, str]:
    """Post a request to the API and return its response."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"{api}/v1/{path}", json.dumps(body).encode(), headers)  # noqa: S310 - our own address
    with urllib.request.urlopen(request) as response:  # noqa: S310 - likewise
        content: dict[str, str] = json.load(response)
        return content


def enroll(page: Page, api: str, key: str) -> None:
    """Open a person's enrollment page, and start a call to the phone."""
    person = post(api, key, "enrollments", user="alice@example.com", display_name="Alice Example")
    page.goto(post(api, key, f"enrollments/{person['id']}/portal-links", page="enroll")["url"])
    page.get_by_label("Phone number").fill(CALLED.removeprefix("+1"))
    page.get_by_label("Call me").check()
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("Your phone is ringing")).to_be_visible(timeout=30_000)


if __name__ == "__main__":
    main()
