"""node-postgres. The driver is fetched by its lock file with npm; without npm or network the test is skipped, visibly."""
import os
import shutil
import subprocess

from lib.env import Skip, alone, test

HERE = os.path.dirname(os.path.abspath(__file__))


def modules(env):
    """node_modules outside the source tree (a cache in the temp folder when it was filled before)."""
    if not shutil.which('node') or not shutil.which('npm'):
        raise Skip('no node or npm')
    folder = os.environ.get('GATEHOUSE_E2E_NODE') or os.path.join(env.folder, 'node')
    why = os.path.join(env.folder, 'npm-failed')  # once is enough: without a network it takes its time
    with alone(env, 'node'):
        there = all(os.path.isdir(os.path.join(folder, 'node_modules', name)) for name in ('pg', 'jose'))
        if not there and not os.path.exists(why):
            failure = install(folder)
            if failure:
                shutil.rmtree(os.path.join(folder, 'node_modules'), ignore_errors=True)  # half of it is worse than none
                with open(why, 'w') as f:
                    f.write(failure)
    if os.path.exists(why):
        with open(why) as f:
            raise Skip(f.read())
    return os.path.join(folder, 'node_modules')


def install(folder):
    """None, or why the driver could not be fetched."""
    os.makedirs(folder, exist_ok=True)
    for name in ('package.json', 'package-lock.json'):
        shutil.copy(os.path.join(HERE, 'node', name), folder)
    try:
        done = subprocess.run(['npm', 'ci', '--no-audit', '--no-fund', '--ignore-scripts'], cwd=folder, capture_output=True, text=True, timeout=75)
    except subprocess.TimeoutExpired:
        return 'npm ci did not end within 75 s'
    print(done.stdout, done.stderr)
    return 'npm ci failed: ' + (done.stderr.strip() or 'no reason given').splitlines()[-1][:200] if done.returncode else None


@test(timeout=150)
def driver(env):
    path = modules(env)
    env.program(['node', os.path.join(HERE, 'node', 'drive.js')], env.target.environ('anna', NODE_PATH=path), timeout=140)
