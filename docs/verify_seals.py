#!/usr/bin/env python3
"""Makes every hash of an Arrears database (SQLite) anew from docs/EVIDENCE.md alone, without Arrears.

    python3 verify_seals.py arrears.db [ROOT...]

Ends with 1 and the first difference, or says how much agrees. ROOTs that the city kept elsewhere must be among the seals.
"""
import hashlib
import json
import re
import sqlite3
import sys

NOTHING = "0" * 64
ENTRY = """id, account_id, service, kind, cents, effective_on, due_on, printed, designated_item, designated_service,
    reverses, channel, source, reference, memo, recorded_at"""


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def instant(text):
    date, time, fraction = re.fullmatch(r"(\S{10})[T ](\d\d:\d\d:\d\d)(?:\.(\d+))?(?:\+00:00|Z)", text).groups()
    return f"{date}T{time}.{(fraction or '').ljust(6, '0')[:6]}Z"


def differs(place, found, recorded):
    sys.exit(f"{place}: the record says {recorded}, and its fields give {found}")


database = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
heads, lines = {}, 0
for seq, account, run, at, actor, what, body, recorded in database.execute(
    "SELECT seq, account_id, run_id, recorded_at, actor, what, body, hash FROM log ORDER BY seq"
):
    fields = ["arrears-log-1", heads.get(account, NOTHING), account or "-", run or "-", instant(at), actor, what, body]
    found = sha256("".join(f"{field}\n" for field in fields))
    if found != recorded:
        differs(f"log line {seq}", found, recorded)
    heads[account] = recorded
    lines += 1

previous, log, entry, roots = NOTHING, 0, 0, []
for seal, log_seq, entry_id, root in database.execute("SELECT id, log_seq, entry_id, root FROM seal ORDER BY id").fetchall():
    text = [f"arrears-seal-1\n{previous}\n{log_seq} {entry_id}\n"]
    for seq, account, recorded in database.execute(
        "SELECT seq, account_id, hash FROM log WHERE seq > ? AND seq <= ? ORDER BY seq", (log, log_seq)
    ):
        text.append(f"log {seq} {account or '-'} {recorded}\n")
    for row in database.execute(f"SELECT {ENTRY} FROM entry WHERE id > ? AND id <= ? ORDER BY id", (entry, entry_id)):
        columns = [*row[:7], json.loads(row[7] or "{}"), *row[8:15], instant(row[15])]
        line = json.dumps(columns, separators=(",", ":"), ensure_ascii=False, sort_keys=True) + "\n"
        text.append(f"entry {row[0]} {sha256(line)}\n")
    found = sha256("".join(text))
    if found != root:
        differs(f"seal {seal}", found, root)
    previous, log, entry = root, log_seq, entry_id
    roots.append(root)

missing = [root for root in sys.argv[2:] if root not in roots]
if missing:
    sys.exit(f"no seal has the root {missing[0]}, which was kept elsewhere: the record was made anew, or restored")
print(f"{lines} lines of the log and {len(roots)} seals agree")
