"""Builds the bundled fonts from their released files.

    pip install fonttools brotli
    npm pack inter-ui@4.1.1                          # Inter 4.001, TrueType in WOFF2
    apt-get download fonts-noto-core                 # Noto Sans Math, Symbols, Symbols2 and Noto Sans
    python3 build.py INTER_WEB_FOLDER NOTO_FOLDER    # .../package/web  .../truetype/noto

What changes against the released files:
* Inter is cut to the scripts below; its tabular figures become the default
  ones, because not every canvas can ask a font for its `tnum` feature; all
  other substitutions are dropped, so that every canvas shows the same glyphs.
* The glyphs that Inter lacks are taken from four Noto fonts and merged into
  one, which is named after what it is, `Losscape Math`.
"""

import sys
from pathlib import Path

from fontTools.merge import Merger
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

HERE = Path(__file__).parent

# Latin with extensions, combining marks, Greek, punctuation, super- and
# subscripts, currency, letter-like, fractions, arrows, mathematics, shapes.
INTER_RANGES = [
    (0x20, 0x7E), (0xA0, 0x17F), (0x18F, 0x18F), (0x192, 0x192), (0x1CD, 0x1DC), (0x218, 0x21B),
    (0x2B0, 0x2FF), (0x300, 0x30C), (0x370, 0x3FF), (0x1D2C, 0x1D6A), (0x1E00, 0x1EFF),
    (0x2000, 0x206F), (0x2070, 0x209F), (0x20AC, 0x20AC), (0x2100, 0x218F), (0x2190, 0x21FF),
    (0x2200, 0x22FF), (0x2300, 0x23FF), (0x2423, 0x2423), (0x2C7C, 0x2C7C), (0x25A0, 0x25FF), (0x2600, 0x26FF), (0x2700, 0x27BF),
]

# Mathematics and the window's signs. What Inter has is left out.
MATH_RANGES = [
    (0x2032, 0x2037), (0x2102, 0x2138), (0x2190, 0x21FF), (0x2200, 0x22FF), (0x2308, 0x230B),
    (0x25A0, 0x25FF), (0x27C2, 0x27C2), (0x27E6, 0x27EB), (0x27F2, 0x27FF), (0x2A00, 0x2A02), (0x2A7D, 0x2A7E),
    (0x1D49C, 0x1D4CF), (0x1D538, 0x1D56B),
]
MATH_CHARACTERS = "ᵀᵃᵐᵏᶜ❚✕✔✖✎⏵⏸⏹⏭⏮⏯⏪⏩⏏⏎⎋⌫⌦⌘⌥⇧⇥↵⚙⚠⟲⟳⤢⤡➜ⓘ☰🔍◔◕◐◑◒◓▦▨▤▥▧▩⋮⋯⋰⋱★☆✓✗☀☾"


def codepoints(ranges):
    return {c for low, high in ranges for c in range(low, high + 1)}


def subset(font, unicodes, features):
    options = Options()
    options.layout_features = features
    options.hinting = False
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14, 16, 17]
    options.notdef_outline = True
    options.glyph_names = False
    options.drop_tables += ["MATH", "STAT", "DSIG"]
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=unicodes)
    subsetter.subset(font)
    return font


def tabular_by_default(font):
    """Maps figures and signs to their `tnum` forms."""
    substitutions = {}
    gsub = font["GSUB"].table
    for record in gsub.FeatureList.FeatureRecord:
        if record.FeatureTag == "tnum":
            for index in record.Feature.LookupListIndex:
                for table in gsub.LookupList.Lookup[index].SubTable:
                    substitutions.update(getattr(getattr(table, "ExtSubTable", table), "mapping", {}))
    wanted = [ord(c) for c in "0123456789+−±×=<>≈≤≥"]
    for table in font["cmap"].tables:
        for code in wanted:
            if code in table.cmap:
                table.cmap[code] = substitutions.get(table.cmap[code], table.cmap[code])


def inter(folder, style):
    font = TTFont(folder / f"Inter-{style}.woff2")
    font.flavor = None
    tabular_by_default(font)
    subset(font, codepoints(INTER_RANGES), ["ccmp", "kern", "mark", "mkmk"])
    font.save(HERE / f"Inter-{style}.ttf")
    return set(font.getBestCmap())


def math(folder, present):
    wanted = (codepoints(MATH_RANGES) | {ord(c) for c in MATH_CHARACTERS}) - present
    parts = []
    for name in ["NotoSansMath", "NotoSans", "NotoSansSymbols", "NotoSansSymbols2"]:
        font = TTFont(folder / f"{name}-Regular.ttf")
        here = wanted & set(font.getBestCmap())
        wanted -= here
        subset(font, here, [])
        for table in ["GSUB", "GPOS", "GDEF", "MATH"]:
            if table in font:
                del font[table]
        part = Path("/tmp") / f"{name}-part.ttf"
        font.save(part)
        parts.append(str(part))
    merged = Merger().merge(parts)
    names = merged["name"]
    for record in list(names.names):
        if record.nameID in (1, 2, 3, 4, 6, 16, 17):
            names.removeNames(nameID=record.nameID)
    for name_id, text in [
        (1, "Losscape Math"), (2, "Regular"), (3, "Losscape Math from Noto Sans"),
        (4, "Losscape Math Regular"), (6, "LosscapeMath-Regular"),
    ]:
        names.setName(text, name_id, 3, 1, 0x409)
    merged.save(HERE / "LosscapeMath-Regular.ttf")
    print("not found:", "".join(chr(c) for c in sorted(wanted) if chr(c) in MATH_CHARACTERS))


if __name__ == "__main__":
    web, noto = Path(sys.argv[1]), Path(sys.argv[2])
    have = inter(web, "Regular")
    inter(web, "SemiBold")
    math(noto, have)
