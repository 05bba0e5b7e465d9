"""The program behind `BROWSER`: opens one address, signs in, and lets the answer reach the program that waits.

The person comes from the environment: `JOURNEY_UPN`, `JOURNEY_PASSWORD`, `JOURNEY_CA`.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.pages import Browser, sign_in  # noqa: E402


def main() -> None:
    browser = Browser(os.environ["JOURNEY_CA"])
    page = sign_in(browser, browser.get(sys.argv[1]), os.environ["JOURNEY_UPN"], os.environ["JOURNEY_PASSWORD"])
    answer = page.form("code", "state")
    if not answer:
        sys.exit(f"no answer for the program at {page.url} ({page.status}):\n{page.html[:2000]}")
    page = browser.submit(answer)
    print(page.status, page.url)


if __name__ == "__main__":
    main()
