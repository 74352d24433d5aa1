"""The demo: exit status 0 means that every byte and every check was right."""

import os
import sys

from demo import machine as demo_machine
from demo.machine import CHANGE, CHECK, UUID
from demo.story import Story, backup_line
from harness import text
from harness.compare import first_difference
from harness.firn import Firn
from harness.ground import Ground, GroundError, descendants, exit_on_signals
from images import guest


def tell_backup(story: Story, firn: Firn, mode: str) -> dict:
    """Backs up, tells the sizes, returns the restore point."""
    point = firn.backup(UUID, mode)
    story.tell(backup_line(point, story.seconds))
    return point


def tell_restore(story: Story, firn: Firn, point: dict, name: str, truth: list):
    """Restores a point and compares every byte with the copies taken at its backup."""
    folder = firn.restore(point["id"], name)
    seconds = story.seconds
    virtual = 0
    for copy in truth:
        restored = folder / copy.name
        difference = first_difference(restored, copy)
        if difference:
            raise GroundError(f"{name}: restored {difference}")
        virtual += restored.stat().st_size
    devices = " and ".join(copy.stem for copy in truth)
    story.tell(f"{devices}: all {text.size(virtual)} equal, byte for byte; {seconds:.1f} s")
    return folder


def guest_says(console: str, word: str) -> str:
    """The rest of the console line that begins with `word`."""
    for line in console.splitlines():
        if line.startswith(word):
            return line[len(word) :].strip()
    raise GroundError(f"the guest did not say '{word}'\n{console}")


def play(ground: Ground):
    story = Story("Firn: one virtual machine, two points in time")

    story.chapter("A virtual machine: Debian on a qcow2 disk, data on a raw one")
    machine = demo_machine.make(ground)
    for drive in machine.drives:
        allocated = drive.path.stat().st_blocks * 512
        story.tell(f"{drive.path.name}: {text.size(allocated)} allocated")

    story.chapter("Firn starts; full backup")
    firn = Firn(ground, ground.path / "state", machine.domain_dir)
    first = tell_backup(story, firn, "full")
    first_truth = demo_machine.flat_copies(machine, ground.path / "truth1")

    story.chapter("The guest boots and works: new, changed and deleted files, a trim")
    console = guest.run_script(ground, machine.drives, CHANGE)
    story.tell(f"{guest_says(console, 'files:')} files now; {story.seconds:.0f} s")

    story.chapter("Incremental backup")
    second = tell_backup(story, firn, "incremental")
    second_truth = demo_machine.flat_copies(machine, ground.path / "truth2")

    story.chapter("The first point, restored")
    tell_restore(story, firn, first, "first", first_truth)

    story.chapter("The second point, restored")
    folder = tell_restore(story, firn, second, "second", second_truth)

    story.chapter("Everything in the repository is read and checked")
    for point in (first, second):
        firn.verify(point["id"])
    story.tell(f"no damage; {story.seconds:.1f} s")

    story.chapter("The restored copy boots")
    copies = [guest.Drive(folder / f"{truth.stem}.raw", "raw") for truth in second_truth]
    console = guest.run_script(ground, copies, CHECK)
    story.tell(
        f"checksums of {guest_says(console, 'files:')} files, made in the guest before the "
        f"backup, hold in the copy; {story.seconds:.0f} s"
    )

    story.chapter("Firn stops")
    status = firn.stop()
    if status != 0:
        raise GroundError(f"firn serve ended with status {status}\n{firn.log_tail()}")
    # The ground adopts orphans, so whatever outlived the service is below this process now.
    if left := descendants(os.getpid()):
        raise GroundError(f"firn serve left processes behind: {left}")
    story.tell("cleanly, and left no process behind")
    story.end("All of it was right.")


def main() -> int:
    exit_on_signals()
    try:
        with Ground("demo") as ground:
            play(ground)
    except GroundError as error:
        print(f"\nThe demo failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; nothing is left behind", file=sys.stderr)
        return 130
    return 0


sys.exit(main())
