import { debianPackages } from "./debian.ts"

/**
 * A root folder of Debian packages, for the images that config/Dockerfile builds on: no registry of images is asked. Unpacked
 * and not set up, so there are no accounts, and no certificates: nothing in it can fetch anything.
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
