"""
Another user of the machine: swaps links, folders and files in the folders that it can change, as fast as it can, until its
input ends, and reads whatever it may. Arguments: a seed, the folder outside that it aims at, how many of the others are folders
that it can move; those; the folders that outputs are written in.
Says "ready", and at the end what it did and which values it read, as JSON.
"""
import ctypes, json, os, random, re, select, shutil, sys

libc = ctypes.CDLL(None, use_errno=True)
EXCHANGE, CWD = 2, -100
chance = random.Random(int(sys.argv[1]))
outside, count = sys.argv[2], int(sys.argv[3])
folders, places = sys.argv[4 : 4 + count], sys.argv[4 + count :]
names = [".env", "redis.conf", "secrets.json", "application.yml", "run", "run/db_user", "run/db_password", "run/key"]
beside = [".{}.mycelium-draft", ".{}.mycelium-writing"]
did, reads, held = {}, set(), []


def exchange(one, other):
    if libc.renameat2(CWD, one.encode(), CWD, other.encode(), EXCHANGE) != 0:
        raise OSError(ctypes.get_errno(), one)


def some_file(place):
    name = chance.choice(names)
    if chance.random() < 0.3:
        folder, last = os.path.split(name)
        name = os.path.join(folder, chance.choice(beside).format(last))
    return os.path.join(place, name), os.path.join(outside, name)


def swap_folder(place):
    os.rename(place, place + "-away")
    os.symlink(outside, place)


def back(place):
    if os.path.islink(place):
        os.unlink(place)
    if not os.path.lexists(place):
        if os.path.lexists(place + "-away"):
            os.rename(place + "-away", place)
        else:
            os.mkdir(place)


def trade(path, aim):
    """In one instant: a link to `aim` for what lies at `path`, or the other way round."""
    link = path + "-link"
    if not os.path.lexists(link):
        os.symlink(aim, link)
    exchange(path, link)


def trade_folder(place):
    trade(place, outside)


def move_away(path):
    if os.path.lexists(path):
        os.rename(path, path + "-away")


def plant_link(place):
    path, aim = some_file(place)
    move_away(path)
    os.symlink(aim, path)


def plant_hard(place):
    path, aim = some_file(place)
    if os.path.lexists(path):
        os.unlink(path)
    os.link(chance.choice([aim, os.path.join(outside, "secret")]), path)


def plant_file(place):
    path, _ = some_file(place)
    move_away(path)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, chance.choice([0o600, 0o666]))
    held.append(file)
    if len(held) > 64:
        os.close(held.pop(0))


def plant_folder(place):
    path, _ = some_file(place)
    os.mkdir(path)


def plant_pipe(place):
    path, _ = some_file(place)
    os.mkfifo(path)


def trade_file(place):
    trade(*some_file(place))


def take_away(place):
    path, _ = some_file(place)
    if os.path.isdir(path) and not os.path.islink(path):
        # What is not theirs they can move, if not remove.
        shutil.rmtree(path, ignore_errors=True)
        if os.path.isdir(path):
            os.rename(path, "%s-away-%d" % (path, chance.randrange(1 << 30)))
    else:
        os.unlink(path)


def look(text):
    reads.update(found.decode() for found in re.findall(rb"(?:Marked|Hidden)[\w-]*", text))


def read_all(place):
    for folder, _, files in os.walk(place):
        for name in files:
            try:
                file = os.open(os.path.join(folder, name), os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
            except OSError:
                continue
            look(os.read(file, 1 << 20))
            os.close(file)


def read_held(_):
    for file in held:
        look(os.pread(file, 1 << 20, 0))


movers = [swap_folder, back, back, back, trade_folder]
fillers = [plant_link, plant_link, plant_hard, plant_file, plant_file, trade_file, take_away, take_away, take_away, take_away, read_all, read_held]
rare = [plant_folder, plant_pipe]
print("ready", flush=True)
count = 0
while count % 32 != 0 or not select.select([sys.stdin], [], [], 0)[0]:
    count += 1
    act = chance.choice(chance.choice([movers, fillers, fillers]) if chance.random() < 0.97 else rare)
    try:
        act(chance.choice(folders if act in movers else places))
        did[act.__name__] = did.get(act.__name__, 0) + 1
    except OSError:
        pass
for place in places:
    read_all(os.path.dirname(place))
print(json.dumps({"did": did, "reads": sorted(reads)}), flush=True)
