# SPDX-License-Identifier: Apache-2.0
"""Asks clamscan what type it takes a file for."""
import os
import re
import subprocess
import tempfile


def ask_types(paths):
    """{path: "CL_TYPE_..."}; files that clamscan does not type (empty ones) are missing."""
    answers, last = {}, None
    with tempfile.TemporaryDirectory() as folder:
        database = os.path.join(folder, "none.hdb")
        with open(database, "w", encoding="ascii") as out:
            out.write("44d88612fea8a8f36de82e1278abb02f:68:None\n")
        for start in range(0, len(paths), 400):
            listing = os.path.join(folder, "paths")
            with open(listing, "w", encoding="utf-8", errors="surrogateescape") as out:
                out.write("\n".join(paths[start:start + 400]) + "\n")
            done = subprocess.run(
                ["clamscan", "--gen-json", "--debug", "--no-summary", "-d", database,
                 "--scan-archive=no", "--scan-pdf=no", "--scan-ole2=no", "--scan-html=no",
                 "--scan-mail=no", "--scan-swf=no", "--scan-pe=no", "--scan-elf=no",
                 "--max-filesize=4000M", "--disable-cache", "-f", listing],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
            for line in done.stdout.decode("utf-8", "surrogateescape").splitlines():
                match = re.match(r'\s*"RootFileType":"(\w+)"', line)
                if match:
                    last = match[1]
                for path in re.findall(r"^(/.*): (?:OK|.* FOUND)$", line):
                    if last:
                        answers[path] = last
                    last = None
    return answers
