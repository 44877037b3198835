"""DBD::Pg (Perl, over libpq)."""
import os
import subprocess

from lib.env import Skip, test

HERE = os.path.dirname(os.path.abspath(__file__))


@test(timeout=120)
def driver(env):
    if subprocess.run(['perl', '-MDBD::Pg', '-e', '1'], capture_output=True).returncode:
        raise Skip('no DBD::Pg')
    env.program(['perl', os.path.join(HERE, 'perl', 'drive.pl')], env.target.environ('anna'), timeout=110)
