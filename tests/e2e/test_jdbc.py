"""The PostgreSQL JDBC driver: Java programs, compiled into the run's folder."""
import os
import shutil

from lib.env import Skip, alone, test

HERE = os.path.dirname(os.path.abspath(__file__))
JAR = '/usr/share/java/postgresql.jar'


def command(env, program='Drive'):
    if not shutil.which('javac') or not os.path.exists(JAR):
        raise Skip('no javac or no ' + JAR)
    out = os.path.join(env.folder, 'jdbc')
    with alone(env, 'jdbc'):
        if not os.path.isdir(out):
            half = out + '.half'
            os.makedirs(half, exist_ok=True)
            env.run(['javac', '-cp', JAR, '-d', half, *(os.path.join(HERE, 'jdbc', name) for name in ('Drive.java', 'Reuse.java'))], timeout=90)
            os.rename(half, out)
    return ['java', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', JAR + ':' + out, program]


@test(timeout=160)
def driver(env):
    env.program(command(env), env.target.environ('anna'), timeout=150)
