"""python3 read.py WHICH < paths, one a line: prints NAME=VALUE and NUL for each variable that the named library finds."""

import os
import sys


def dotenv():
    from dotenv import dotenv_values

    return dotenv_values


def environs():
    from environs import Env

    def read(path):
        env = Env()
        env.read_env(path, recurse=False)
        index = path.split("/")[-2]
        return {name: env.str(name) for name in [f"F{index}_{letter}" for letter in "ABC"]}

    return read


def django_environ():
    import environ

    def read(path):
        os.environ.clear()
        environ.Env.read_env(path)
        return dict(os.environ)

    return read


def decouple():
    from decouple import RepositoryEnv

    return lambda path: RepositoryEnv(path).data


def pydantic():
    from pydantic_settings import BaseSettings
    from pydantic_settings.sources import DotEnvSettingsSource

    class Settings(BaseSettings):
        pass

    return lambda path: DotEnvSettingsSource(Settings, env_file=path, case_sensitive=True)._read_env_files()


def dynaconf():
    from dynaconf.vendor.dotenv import dotenv_values

    return dotenv_values


def honcho():
    from honcho.environ import parse

    def read(path):
        with open(path, encoding="utf-8", newline="") as file:
            return parse(file.read())

    return read


def starlette():
    from starlette.config import Config

    return lambda path: Config(path).file_values


def systemd():
    """load_env_file() of systemd's own library: what EnvironmentFile= is read with."""
    import ctypes
    import glob

    [library] = glob.glob("/usr/lib/*-linux-gnu/systemd/libsystemd-shared-*.so")[:1]
    shared = ctypes.CDLL(library)
    libc = ctypes.CDLL(None)
    libc.fopen.restype = ctypes.c_void_p
    libc.fclose.argtypes = [ctypes.c_void_p]
    shared.load_env_file.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(ctypes.POINTER(ctypes.c_char_p))]

    def read(path):
        found = ctypes.POINTER(ctypes.c_char_p)()
        file = libc.fopen(path.encode(), b"re")
        code = shared.load_env_file(file, path.encode(), ctypes.byref(found))
        libc.fclose(file)
        if code < 0:
            raise ValueError
        pairs = {}
        index = 0
        while found and found[index] is not None:
            key, _, value = found[index].partition(b"=")
            pairs[key] = value
            index += 1
        return pairs

    return read


def main():
    read = globals()[sys.argv[1]]()
    out = sys.stdout.buffer
    for path in sys.stdin.read().splitlines():
        try:
            pairs = read(path)
        except Exception:
            continue
        for key, value in pairs.items():
            if value is not None:
                as_bytes = [part if isinstance(part, bytes) else str(part).encode("utf-8", "surrogateescape") for part in (key, value)]
                out.write(b"%s=%s\0" % tuple(as_bytes))


main()
