"""Names as people give them: files, folders, branches, hosts, packages, users, ports.

About half of all words are pronounceable ones that exist nowhere, so that a model has to copy a name and
cannot know it; some are strings of any letters; the others are words that projects are full of, among them
every word of the templates themselves, so that nothing is only ever seen as a part of a message. Made-up
words are held out one by one, names of known words as a whole. `KINDS` maps the name of a placeholder in a
template to the function that makes such a name. Owns no command and no error text.
"""

import re
from pathlib import Path

ONSETS = """
b c d f g h j k l m n p r s t v w z bl br ch cl cr dr fl fr gl gr kr pl pr qu sh sk sl sm sn sp st str
th tr tw
""".split()
VOWELS = "a e i o u a e i o ai ea ee io oa oo ou y".split()
CODAS = [
    "",
    "",
    "",
    "",
    "b",
    "ck",
    "d",
    "f",
    "g",
    "k",
    "l",
    "m",
    "n",
    "nd",
    "nt",
    "p",
    "r",
    "rk",
    "s",
    "sk",
    "st",
    "t",
    "v",
    "x",
    "z",
]

WORDS = """
account action admin agent alert alpha analytics api app archive asset assets atlas auth avatar backend
backup badge banner batch beta billing blob block blog board bot bridge broker browser bucket budget
buffer build bundle button cache calendar camera canvas card cart catalog channel chart chat check
checkout client clock cloud cluster code collector color column comment common compiler component config
connector console consumer contact content context control converter cookie core counter course crawler
credit cron customer daemon dash dashboard data database deal debug deck demo deploy design desk detail
device dialog diff digest discount dispatch docs domain draft driver editor email engine entity entry
error event example export express factory feature feed fetch field filter finance fixture flag flow
folder font footer form forum frame front frontend game gateway geo gift graph grid group guest guide
handler header health heap helper history home hook host hotel hub icon image import inbox index infra
ingest input insight inventory invoice item job journal kernel key lab label lambda landing layer layout
ledger legacy lesson letter level library license limit link list loader locale lock log login logo loop
mail main manager map market matrix media member memory menu merge message metric middleware migration
mirror mobile mock model module monitor music native network news node note notebook notes offer office
order orders org output owner package page panel parser partner password patch path payment people photo
pipeline pixel plan player plugin pod point policy poll pool portal post prefix preview price print
process product profile project promo prompt proxy public purchase queue quick quiz quota radar random
rank rate reader receipt recipe record region register relay release reminder render replay report repo
request reset resource response result review reward robot role room route router rule runner runtime
sample sandbox scanner schedule schema scope score script search secret section seed sensor server
service session settings setup shape share sheet shop signal signup site sketch slide socket source
spark spec sprint stack stage staging state static stats status stock storage store story stream style
summary support survey sync system table tag target task team template tenant terminal test theme thread
ticket timer todo token tool topic trace tracker trade traffic transfer travel tree trigger tunnel
tutorial unit update upload user users util utils vault vector vendor version video view viewer vote
wallet watch weather web webhook widget wiki window wizard word work worker world writer zone
""".split()

EXTENSIONS = """
txt md json yaml yml toml csv log conf cfg ini xml html css js ts py rb go rs c cpp h java sh sql png
jpg pdf
""".split()
TOP_DOMAINS = "com org net io dev local lan internal example".split()
USERS = """
alice bob carol dave erin frank grace heidi ivan judy mallory oscar peggy trent victor wendy deploy
admin ubuntu debian ec2-user git jenkins www-data postgres anna ben chris dana emil fiona greg hans ines
jan karl lena mia nils olga paul rosa sam tom uwe vera
""".split()


FAMILIES = Path(__file__).parent / "families"
TEMPLATE_WORDS = sorted(
    {
        word.lower()
        for path in FAMILIES.glob("*.cases")
        for word in re.findall(r"(?<![\w{])[A-Za-z]{3,12}(?![\w}])", path.read_text(encoding="utf-8"))
    }
)
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def made_up(d):
    """One to three syllables; three letters at least."""
    while True:
        word = "".join(
            d.pick(ONSETS) + d.pick(VOWELS) + d.pick(CODAS) for _ in range(d.pick((1, 2, 2, 2, 3)))
        )
        if 3 <= len(word) <= 11:
            return word


def word(d):
    style = d.random.random()
    if style < 0.45:
        return d.name(made_up)
    if style < 0.52:
        return d.name(lambda d: "".join(d.pick(LETTERS) for _ in range(d.between(2, 6))))
    return d.pick(WORDS) if style < 0.85 else d.pick(TEMPLATE_WORDS)


def words(d):
    return d.name(joined_words)


def joined_words(d):
    """One or two words joined as names in code are."""
    first = word(d)
    if d.chance(0.55):
        return first if d.chance(0.9) else first + str(d.between(1, 99))
    second = word(d)
    style = d.between(0, 9)
    if style < 5:
        return f"{first}-{second}"
    if style < 8:
        return f"{first}_{second}"
    return first + second.capitalize()


def identifier(d):
    return d.name(joined_identifier)


def joined_identifier(d):
    first, second = word(d), word(d)
    return d.pick((first, f"{first}_{second}", first + second.capitalize(), f"{first}_{second}"))


def kebab(d):
    return d.name(lambda d: word(d) if d.chance(0.5) else f"{word(d)}-{word(d)}")


def file(d):
    stem = words(d)
    return f"{stem}.{d.pick(EXTENSIONS)}"


def folder(d):
    return words(d)


def relative(d):
    depth = d.between(1, 3)
    return "/".join(words(d) for _ in range(depth)) + "/" + file(d)


def relative_folder(d):
    return "/".join(words(d) for _ in range(d.between(2, 3)))


ROOTS = """
/home/{user} /home/{user} /srv /opt /var/log /var/lib /etc /tmp /usr/local /mnt /data /var/www
""".split()


def absolute_folder(d):
    root = d.pick(ROOTS).replace("{user}", user(d))
    return root + "/" + "/".join(words(d) for _ in range(d.between(1, 2)))


def absolute(d):
    return absolute_folder(d) + "/" + file(d)


def home_folder(d):
    return "~/" + "/".join(words(d) for _ in range(d.between(1, 2)))


def user(d):
    return d.name(lambda d: d.pick(USERS) if d.chance(0.5) else made_up(d))


def host(d):
    style = d.between(0, 3)
    if style == 0:
        return f"{word(d)}.{d.pick(TOP_DOMAINS)}"
    if style == 1:
        return f"{word(d)}{d.between(1, 20)}"
    if style == 2:
        return f"{word(d)}.{word(d)}.{d.pick(TOP_DOMAINS)}"
    return ip(d)


def domain(d):
    return (
        f"{word(d)}.{d.pick(TOP_DOMAINS)}"
        if d.chance(0.6)
        else f"{word(d)}.{word(d)}.{d.pick(TOP_DOMAINS)}"
    )


def ip(d):
    first = d.pick(("10", "192.168", "172.16", "203.0.113"))
    while first.count(".") < 3:
        first += f".{d.between(1, 254)}"
    return first


def url(d):
    return f"{d.pick(('https', 'https', 'http'))}://{domain(d)}/{word(d)}" + d.pick(
        ("", "/" + word(d), "/" + file(d))
    )


def branch(d):
    style = d.between(0, 6)
    if style < 3:
        return kebab(d)
    if style == 3:
        return f"{d.pick(('feature', 'fix', 'bugfix', 'hotfix', 'release', 'chore', 'docs', 'wip'))}/{kebab(d)}"
    if style == 4:
        return f"{d.pick(('issue', 'ticket', 'gh', 'pr'))}-{d.between(2, 4999)}"
    if style == 5:
        return f"{word(d)}_{word(d)}"
    return f"{user(d)}/{kebab(d)}"


def trunk(d):
    """The branch one is on: often the main one."""
    return d.pick(("main", "master", "develop")) if d.chance(0.35) else branch(d)


def remote(d):
    return (
        "origin"
        if d.chance(0.7)
        else d.pick(("upstream", "fork", "backup", "github", "gitlab", word(d)))
    )


def digest(d):
    length = d.pick((7, 7, 8, 10, 12))
    return "".join(d.pick("0123456789abcdef") for _ in range(length))


def version(d):
    return f"{d.between(0, 12)}.{d.between(0, 30)}.{d.between(0, 20)}"


def port(d):
    if d.chance(0.4):
        return d.pick(
            "80 443 3000 3001 4000 5000 5173 5432 6379 8000 8080 8081 8443 8888 9000 9090 27017 3306".split()
        )
    return str(d.between(1024, 65000))


def environment(d):
    first = word(d).upper()
    return first + d.pick(
        ("_TOKEN", "_URL", "_KEY", "_HOST", "_PORT", "_HOME", "_PATH", "_ENV", "_DIR", "_MODE")
    )


def number(d):
    return str(d.between(2, 99))


def large(d):
    return str(d.between(100, 99999))


def module(d):
    return d.name(lambda d: word(d) if d.chance(0.5) else f"{word(d)}_{word(d)}")


def coded(*extensions):
    return lambda d: f"{words(d)}.{d.pick(extensions)}"


def image(d):
    return d.pick((word(d), f"{word(d)}/{kebab(d)}", f"registry.{word(d)}.com/{kebab(d)}"))


def archive(d):
    return words(d) + d.pick((".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".tar"))


def message(d):
    verb = d.pick(
        "add fix update remove rename improve refactor clean bump revert move document test".split()
    )
    return f"{verb} {word(d)}" + (f" {word(d)}" if d.chance(0.5) else "")


def device(d):
    return d.pick("sda sdb sdc sdd nvme0n1p vdb xvdf".split()) + str(d.between(1, 4))


KINDS = {
    "word": word, "words": words, "ident": identifier, "kebab": kebab, "file": file, "dir": folder,
    "rel": relative, "reldir": relative_folder, "abs": absolute, "absdir": absolute_folder,
    "homedir": home_folder, "user": user, "host": host, "domain": domain, "ip": ip, "url": url,
    "branch": branch, "trunk": trunk, "remote": remote, "hash": digest, "version": version,
    "port": port, "env": environment, "num": number, "large": large, "module": module,
    "py": coded("py"), "js": coded("js", "mjs", "ts"), "c": coded("c"), "cpp": coded("cpp", "cc", "cxx"),
    "rs": coded("rs"), "java": coded("java"), "go": coded("go"), "sh": coded("sh"),
    "text": coded("txt", "md", "log", "csv", "conf"), "sql": coded("sql"), "zip": coded("zip"),
    "image": image, "archive": archive, "msg": message, "device": device,
}  # fmt: skip
