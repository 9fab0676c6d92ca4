import { debianPackages } from "./debian.ts"

/**
 * A root folder of Debian packages, for the images that config/Dockerfile builds on: no registry of
 * images is asked. Unpacked and not set up, so there are no accounts, and no certificates: nothing
 * in it can fetch anything.
 */
export function imagePackages(): Promise<{ readonly folder: string } | { readonly why: string }> {
  return debianPackages("image", [...base, ...forBuild, filter], [], /^$/)
}

const base = [
  "libc6",
  "dash",
  "coreutils",
  "libacl1",
  "libattr1",
  "libgmp10",
  "libselinux1",
  "libpcre2-8-0",
]
/** Beside it podman's filter of system calls, as it comes: usr/share/containers/seccomp.json. */
const filter = "golang-github-containers-common"
/** Beside what `node` itself needs: what scripts/build calls. */
const forBuild = ["bash", "libtinfo6", "diffutils", "libgcc-s1", "libstdc++6"]

/** The same with systemd, D-Bus and polkit: a machine of its own in a container. */
export function systemdPackages(): Promise<{ readonly folder: string } | { readonly why: string }> {
  const packages = [...base, ...programs, ...libraries.map((name) => `lib${name}`)]
  return debianPackages("image-systemd", packages, [], /^$/)
}

const programs = (
  "bash systemd mount util-linux login passwd dbus dbus-bin dbus-daemon " +
  "dbus-system-bus-common polkitd procps zlib1g grep sed"
).split(" ")
/** Named one by one, for those that this machine has must be in the image, too. */
const libraries = [
  "systemd-shared systemd0 seccomp2 mount1 blkid1 audit1 cap-ng0 pam0g pam-modules cap2 " +
    "apparmor1 kmod2 crypt1 lz4-1 zstd1",
  "lzma5 gcrypt20 gpg-error0 ssl3 fdisk1 uuid1 cryptsetup12 devmapper1.02.1 argon2-1 json-c5 " +
    "udev1 smartcols1 tinfo6 ip4tc2",
  "readline8 semanage2 sepol2 bz2-1.0 dbus-1-3 expat1 polkit-agent-1-0 polkit-gobject-1-0 " +
    "duktape207 glib2.0-0 ffi8 com-err2",
  "stdc++6 gcc-s1 selinux1 pcre2-8-0 proc2-0 ncursesw6",
].flatMap((line) => line.split(" "))
