#!/usr/bin/python3
"""The demo's people: forty staff of four partner companies in four provinces, one program, and one analyst. All are made up; fixed seed."""
import csv
import hashlib
import random
from dataclasses import dataclass

SEED = 2016

EMPLOYERS = [  # employer, province
    ("Harbour Retail", "Guangdong"),
    ("Lakeside Phones", "Zhejiang"),
    ("Canal Service", "Jiangsu"),
    ("Northgate Digital", "Hebei"),
]
FAMILY = [("王", "wang"), ("李", "li"), ("张", "zhang"), ("刘", "liu"), ("陈", "chen"), ("杨", "yang"), ("黄", "huang"), ("赵", "zhao"),
          ("吴", "wu"), ("周", "zhou"), ("徐", "xu"), ("孙", "sun"), ("马", "ma"), ("朱", "zhu"), ("胡", "hu"), ("郭", "guo"),
          ("何", "he"), ("高", "gao"), ("林", "lin"), ("罗", "luo")]
GIVEN = [("伟", "wei"), ("芳", "fang"), ("娜", "na"), ("敏", "min"), ("静", "jing"), ("强", "qiang"), ("磊", "lei"), ("军", "jun"),
         ("洋", "yang"), ("勇", "yong"), ("艳", "yan"), ("杰", "jie"), ("涛", "tao"), ("明", "ming"), ("超", "chao"), ("霞", "xia")]
PROGRAM = "load_test"
ANALYST = "yu_analyst"


@dataclass(frozen=True)
class Person:
    role: str
    name: str
    employer: str
    province: str
    team: str
    groups: str
    password: str


def password_of(role):
    return hashlib.sha256(f"gatehouse demo {SEED} {role}".encode()).hexdigest()[:20]


def make():
    rng = random.Random(SEED)
    pairs = [(f, g) for f in FAMILY for g in GIVEN if f[1] != g[1]]
    rng.shuffle(pairs)
    people = []
    for n, (employer, province) in enumerate(EMPLOYERS):
        for i in range(10):
            (family, family_latin), (given, given_latin) = pairs[n * 10 + i]
            role = f"{given_latin}_{family_latin}"
            while any(p.role == role for p in people):
                role += "2"
            team = "counter" if i < 6 else "hotline"
            people.append(Person(role, family + given, employer, province, team, "staff;partner", password_of(role)))
    people.append(Person(PROGRAM, "load test", "head office", "", "operations", "program", password_of(PROGRAM)))
    people.append(Person(ANALYST, "于静", "Insight Consulting", "Shanghai", "reports", "analyst", password_of(ANALYST)))
    return people


def write_csv(people, path):
    with open(path, "w", encoding="utf-8", newline="") as f:
        out = csv.writer(f)
        out.writerow(["role", "name", "employer", "province", "team", "groups", "vetted_until"])
        for p in people:
            out.writerow([p.role, p.name, p.employer, p.province, p.team, p.groups, "2030-12-31"])


def roles_sql(people):
    """Roles with SCRAM passwords; names and passwords are ours, without quotes in them."""
    return "SET password_encryption = 'scram-sha-256';\n" + "".join(
        f"CREATE ROLE {p.role} LOGIN PASSWORD '{p.password}' IN ROLE care;\n" for p in people)


if __name__ == "__main__":
    for person in make():
        print(person)
