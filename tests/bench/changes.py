"""What happens inside the bench's guests: Python that runs in the guest, seeded.

Kept apart from the rest because its text is part of the data set's recipe.
"""

DATABASE = "/var/lib/app/database"
PAGE_BYTES = 8192

# A day at a server: pages of a database rewritten in place, logs appended, some files
# replaced by versions that differ a little (an upgrade), some added, some removed.
PROGRAM = f'''
import os, random
PAGE = {PAGE_BYTES}

def upgrade(rng, roots, budget):
    """Replaces files by versions with a few other pages until `budget` bytes are rewritten."""
    files = []
    for root in roots:
        for folder, _, names in sorted(os.walk(root)):
            for name in sorted(names):
                path = os.path.join(folder, name)
                if not os.path.islink(path) and 4096 < os.path.getsize(path) < 4 << 20:
                    files.append(path)
    rng.shuffle(files)
    done = 0
    for path in files:
        if done >= budget:
            return
        content = bytearray(open(path, "rb").read())
        for _ in range(1 + len(content) // 65536):
            at = rng.randrange(len(content))
            content[at : at + 512] = rng.randbytes(min(512, len(content) - at))
        with open(path + ".new", "wb") as new:
            new.write(content)
        os.rename(path + ".new", path)
        done += len(content)

def work(seed, pages, upgraded, logged, added):
    rng = random.Random(seed)
    with open("{DATABASE}", "r+b") as database:
        count = os.path.getsize("{DATABASE}") // PAGE
        # Most writes go to a hot part, as with a real database.
        for _ in range(pages):
            hot = rng.random() < 0.8
            page = rng.randrange(count // 50) if hot else rng.randrange(count)
            database.seek(page * PAGE)
            database.write(rng.randbytes(PAGE // 2) + bytes(str(page), "ascii").ljust(16) * (PAGE // 32))
    with open("/var/log/requests.log", "a") as log:
        while log.tell() < 0 or logged > 0:
            line = f"{{rng.getrandbits(32):08x}} GET /item/{{rng.randrange(10**6)}} 200\\n"
            log.write(line)
            logged -= len(line)
    upgrade(rng, ["/usr/lib", "/usr/bin", "/usr/share"], upgraded)
    os.makedirs("/srv/uploads", exist_ok=True)
    number = 0
    while added > 0:
        length = rng.randrange(64 << 10, 2 << 20)
        with open(f"/srv/uploads/{{seed}}-{{number}}", "wb") as upload:
            upload.write(rng.randbytes(length))
        number += 1
        added -= length
'''


def script(seed: str, pages: int, upgraded: int, logged: int, added: int) -> str:
    """A guest script (see `images.guest`) that does a day's work of the given sizes (bytes)."""
    call = f"work({seed!r}, {pages}, {upgraded}, {logged}, {added})"
    return f"cat >/run/work.py <<'PYTHON'\n{PROGRAM}\n{call}\nPYTHON\npython3 /run/work.py\nsync\n"
