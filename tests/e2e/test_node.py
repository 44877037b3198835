"""node-postgres. The driver is fetched by its lock file with npm; without npm or network the test is skipped, visibly."""
import os
import shutil
import subprocess

from lib.env import Skip, test

HERE = os.path.dirname(os.path.abspath(__file__))


def modules(env):
    """node_modules outside the source tree (a cache in the temp folder when it was filled before)."""
    if not shutil.which('node') or not shutil.which('npm'):
        raise Skip('no node or npm')
    folder = os.environ.get('GATEHOUSE_E2E_NODE') or os.path.join(env.folder, 'node')
    if not os.path.isdir(os.path.join(folder, 'node_modules', 'pg')):
        os.makedirs(folder, exist_ok=True)
        for name in ('package.json', 'package-lock.json'):
            shutil.copy(os.path.join(HERE, 'node', name), folder)
        done = subprocess.run(['npm', 'ci', '--no-audit', '--no-fund', '--ignore-scripts'], cwd=folder, capture_output=True, text=True,
                              timeout=90)
        print(done.stdout, done.stderr)
        if done.returncode:
            raise Skip('npm ci failed: ' + done.stderr.strip().splitlines()[-1][:200] if done.stderr.strip() else 'npm ci failed')
    return os.path.join(folder, 'node_modules')


@test(timeout=150)
def driver(env):
    path = modules(env)
    env.program(['node', os.path.join(HERE, 'node', 'drive.js')], env.target.environ('anna', NODE_PATH=path), timeout=140)
