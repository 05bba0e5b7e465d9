"""The browser that Python's own `webbrowser` opens: a visitor in the background, as a program that waits on a port needs it."""

import threading
import webbrowser
from contextlib import contextmanager

from .visitor import Visitor


class _Background(webbrowser.BaseBrowser):
    def __init__(self, visitor: Visitor):
        super().__init__("visitor")
        self.visitor, self.threads, self.errors = visitor, [], []

    def open(self, url, new=0, autoraise=True):
        def visit():
            try:
                self.visitor.visit(url)
            except BaseException as error:  # told to the story when it leaves
                self.errors.append(error)

        self.threads.append(threading.Thread(target=visit, daemon=True))
        self.threads[-1].start()
        return True


@contextmanager
def browser_of(server, who):
    """Whoever asks Python for a browser meanwhile gets this person's."""
    background = _Background(Visitor(server, who))
    before = webbrowser._tryorder
    webbrowser.register("visitor", None, background, preferred=True)
    try:
        yield background.visitor
        for thread in background.threads:
            thread.join(30)
        if background.errors:
            raise background.errors[0]
    finally:
        webbrowser._tryorder = [name for name in (before or webbrowser._tryorder) if name != "visitor"]
        webbrowser._browsers.pop("visitor", None)
