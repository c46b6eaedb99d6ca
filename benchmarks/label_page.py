"""Milliseconds from a key to the next item on the screen, in Chromium, while models are trained beside it.

    python benchmarks/label_page.py [--items N] [--labels L] [--seconds S] [--out DIR]

The project is that of label_server.py. The page itself measures: from the keydown to a message that is posted in the
frame in which the next item stands, and its first paint. It wants Playwright and the program chromium.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from label_server import make_project
from playwright.sync_api import sync_playwright
from records import DEFAULT_FOLDER, append, machine, markdown, now

from lindley.labelling.project import Project

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
MEASURE = """
    window.times = [];
    let since = 0;
    addEventListener("keydown", () => { since = performance.now(); }, true);
    addEventListener("DOMContentLoaded", () => {
        new MutationObserver(() => {
            if (!since) return;
            const begun = since;
            since = 0;
            requestAnimationFrame(() => {
                const channel = new MessageChannel();
                channel.port1.onmessage = () => window.times.push(performance.now() - begun);
                channel.port2.postMessage(0);
            });
        }).observe(document.getElementById("item"), { attributes: true, attributeFilter: ["data-item"] });
    });
"""
PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--labels", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=0.2, help="between two keys")
    parser.add_argument("--out", type=Path, help=f"a folder for label_page.csv, such as {DEFAULT_FOLDER}")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        make_project(Path(folder), options.items, 32)
        found = measure(Path(folder), options.labels, options.seconds)
    print(f"{options.items} items; {machine(1)}\n")
    print(markdown([*found], [[*found.values()]]))
    if options.out:
        append(
            options.out / "label_page.csv", {"items": options.items, **found, "machine": machine(1), "measured": now()}
        )


def measure(folder: Path, labels: int, seconds: float) -> dict[str, object]:
    """Label with keys, and return the milliseconds, the first paint, and the rounds of training meanwhile."""
    command = [sys.executable, "-m", "lindley", "label", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            assert server.stdout is not None
            link = server.stdout.readline().split()[-1]
            with Project.open(folder) as project, sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
                page = browser.new_page()
                page.add_init_script(MEASURE)
                page.goto(link)
                page.locator('#item[data-item]:not([data-item=""])').wait_for()
                paint, epoch = page.evaluate(PAINT), project.store.epoch()
                for _ in range(labels):
                    item = int(page.locator("#item").get_attribute("data-item") or 0)
                    page.keyboard.press("1234567890"[item % 10])
                    page.wait_for_timeout(1000 * seconds)
                times, rounds = page.evaluate("window.times"), project.store.epoch() - epoch
                browser.close()
        finally:
            server.terminate()
    points = {f"p{point} ms": f"{np.percentile(times, point):.1f}" for point in (50, 95, 100)}
    return {"labels": len(times), **points, "first paint ms": f"{paint:.0f}", "rounds": rounds}


if __name__ == "__main__":
    main()
