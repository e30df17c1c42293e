"""`losscape bench` and its peers in JAX and PyTorch in one sitting, on one core,
as a table of ratios.

    python compare.py --losscape ../../target/release/losscape

Every program runs several times, in turns; the shortest times count. A peer
stops the comparison where its loss is not losscape's. README.md tells how to
install the peers and how to read the table."""

import argparse
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
T, R, W, L = "tanh 2-32-32-2", "relu 2-32-32-2", "relu 784-128-10", "LeNet 28x28"
# How many times faster than the faster peer losscape should be.
WANTED = {
    ("slice point", T): 2, ("slice point", R): 2, ("slice point", W): 10, ("slice point", L): 3,
    ("Hessian product", T): 2, ("Hessian product", R): 2, ("Hessian product", W): 1.3, ("Hessian product", L): 2,
    ("gradient", T): 1, ("gradient", R): 1, ("gradient", W): 1, ("gradient", L): 1,
    ("per-sample gradient norms", R): 3,
    # Against eager PyTorch.
    ("training step", T): 3, ("training step", W): 1.5,
}
SCALING = 1.8


def keep_best(table, key, row):
    if key not in table or row["microseconds"] < table[key]["microseconds"]:
        table[key] = row


def shortest(rows, work, network, precision, allowed=lambda variant: True):
    """The shortest time of a peer among its variants of a work."""
    found = [row["microseconds"] for (w, n, p, variant), row in rows.items()
             if (w, n, p) == (work, network, precision) and allowed(variant or "")]
    return min(found, default=None)


def show(header, lines):
    widths = [max(len(line[k]) for line in [header, *lines]) for k in range(len(header))]
    for line in [header, ["-" * width for width in widths], *lines]:
        cells = [cell.ljust(width) if k < 2 else cell.rjust(width) for k, (cell, width) in enumerate(zip(line, widths))]
        print("| " + " | ".join(cells) + " |")
    print()


def number(x, form="{:.0f}"):
    return "" if x is None else ("{:.1f}" if x < 100 and form == "{:.0f}" else form).format(x)


def over(peer, ours):
    return None if peer is None else peer / ours


def least(*values):
    return min((value for value in values if value is not None), default=None)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--losscape", default=os.path.join(HERE, "../../target/release/losscape"), help="the program")
    parser.add_argument("--sittings", type=int, default=3, help="how often every program runs")
    parser.add_argument("--seconds", type=float, default=0.5, help="for each work in each sitting")
    parser.add_argument("--filter", default="", help="only works whose name contains this")
    parser.add_argument("--core", default="0", help="the core that everything is pinned to")
    parser.add_argument("--merge", metavar="FILE", help="keep the shortest times in this file, from earlier comparisons too")
    parser.add_argument("--processor-time", action="store_true", help="count processor time, on a machine that others use too")
    arguments = parser.parse_args()

    pinned = ["taskset", "-c", arguments.core]
    common = ["--seconds", str(arguments.seconds)] + (["--filter", arguments.filter] if arguments.filter else [])
    if arguments.processor_time:
        common.append("--processor-time")
    ours, peaks, scaling, peers, head = {}, {}, {}, {"JAX": {}, "PyTorch": {}}, {}
    if arguments.merge and os.path.exists(arguments.merge):
        with open(arguments.merge) as file:
            kept = json.load(file)
        head, peaks = kept["head"], kept["peaks"]
        ours = {(row["work"], row["network"], row["precision"]): row for row in kept["ours"]}
        scaling = {row["work"]: row for row in kept["scaling"]}
        for peer, rows in kept["peers"].items():
            peers[peer] = {(r["work"], r["network"], r["precision"], r["variant"]): r for r in rows}

    with tempfile.TemporaryDirectory() as folder:
        json_of = lambda name: os.path.join(folder, name + ".json")

        def run(command, name):
            subprocess.run([*command, "--json", json_of(name)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            with open(json_of(name)) as file:
                return json.load(file)

        for sitting in range(arguments.sittings):
            print(f"sitting {sitting + 1} of {arguments.sittings}", file=sys.stderr)
            report = run([*pinned, arguments.losscape, "bench", *common], "losscape")
            head = dict(program=report["program"], processor=report["processor"], programs=head.get("programs", {}))
            for row in report["rows"]:
                keep_best(ours, (row["work"], row["network"], row["precision"]), row)
            for peak in report["peaks"]:
                for key in ("fma", "product"):
                    best = peaks.setdefault(peak["precision"], {})
                    best[key] = max(best.get(key, 0), peak[key])
            if report["scaling"] and (os.cpu_count() or 1) > 1:
                # Two threads need two cores, so these are not pinned.
                unpinned = run([arguments.losscape, "bench", "--filter", "on two threads", *common[:2]], "scaling")
                for row in unpinned["scaling"]:
                    best = scaling.setdefault(row["work"], row)
                    for side in ("one", "two"):
                        best[side] = min(best[side], row[side], key=lambda timing: timing["microseconds"])
            if not report["rows"]:
                continue
            for peer, script in (("JAX", "jax_peer.py"), ("PyTorch", "torch_peer.py")):
                for precision in ([], ["--f64"]):
                    command = [*pinned, sys.executable, os.path.join(HERE, script), "--losscape", json_of("losscape"), *common, *precision]
                    try:
                        found = run(command, peer)
                    except subprocess.CalledProcessError as error:
                        sys.exit(f"{script}: {error.stderr.decode().strip().splitlines()[-1]}")
                    head["programs"][peer] = found["program"]
                    for row in found["rows"]:
                        keep_best(peers[peer], (row["work"], row["network"], row["precision"], row["variant"]), row)

    if arguments.merge:
        with open(arguments.merge, "w") as file:
            json.dump(dict(head=head, peaks=peaks, ours=list(ours.values()), scaling=list(scaling.values()),
                           peers={peer: list(rows.values()) for peer, rows in peers.items()}), file, indent=1)

    print(f"{', '.join([head['program'], *head['programs'].values()])} on {head['processor']}")
    for precision, peak in peaks.items():
        print(f"peak of one core in {precision}: {peak['fma']:.0f} GFLOP/s, in a 512x512 product {peak['product']:.0f}")
    print()
    lines = []
    for (work, network, precision), row in ours.items():
        mine = row["microseconds"]
        eager = lambda variant: "fused" not in variant and "linearized" not in variant
        jax = shortest(peers["JAX"], work, network, precision, eager)
        torch = shortest(peers["PyTorch"], work, network, precision, eager)
        ratio = over(torch if work == "training step" else least(jax, torch), mine)
        every = least(*(shortest(rows, work, network, precision) for rows in peers.values()))
        wanted = WANTED.get((work, network))
        share = row["operations"] / (1e3 * mine) / peaks[precision]["fma"]
        lines.append([work, network, precision, number(mine), f"{100 * share:.0f} %", number(jax), number(torch),
                      number(ratio, "{:.2f}"), "" if wanted is None else f"{wanted}",
                      "" if wanted is None or ratio is None else ("yes" if ratio >= wanted else "no"),
                      number(over(every, mine), "{:.2f}")])
    if lines:
        show(["work", "network", "type", "losscape, µs", "of peak", "JAX", "PyTorch", "ratio", "wanted", "reached",
              "any variant"], lines)
    lines = []
    for row in scaling.values():
        one, two = row["one"]["microseconds"], row["two"]["microseconds"]
        lines.append([row["work"], row["network"], number(one / 1e3), number(two / 1e3), f"{one / two:.2f}",
                      f"{SCALING}", "yes" if one / two >= SCALING else "no"])
    if lines:
        show(["work", "network", "one thread, ms", "two, ms", "ratio", "wanted", "reached"], lines)


if __name__ == "__main__":
    main()
