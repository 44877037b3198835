#!/usr/bin/python3
"""The demo's people: forty staff of four partner companies in four provinces, one program, one analyst, and who comes on in the third act.
All are made up; fixed seed."""
import csv
import datetime
import hashlib
import random
from dataclasses import dataclass, replace

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
LEADER = "gang_zhou"        # led a hotline until last week
LAPSED = "hao_sun"          # whose vetting nobody renewed
SUPERVISOR = "ting_gao"
APPLICATION = "crm_app"     # a program that speaks for all of them


@dataclass(frozen=True)
class Person:
    role: str
    name: str
    employer: str
    province: str
    team: str
    groups: str
    password: str
    vetted_until: str = "2030-12-31"
    left_on: str = ""


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


def more():
    """Who comes on in the third act only."""
    last_week = (datetime.date.today() - datetime.timedelta(days=7)).isoformat()

    def person(role, name, employer, province, team, groups, **dates):
        return Person(role, name, employer, province, team, groups, password_of(role), **dates)
    return [person(LEADER, "周刚", "Northgate Digital", "Hebei", "hotline", "desk;hotline;supervisor", left_on=last_week),
            person(LAPSED, "孙浩", "Harbour Retail", "Guangdong", "counter", "desk;counter", vetted_until=last_week),
            person(SUPERVISOR, "高婷", "Canal Service", "Jiangsu", "hotline", "desk;supervisor"),
            person(APPLICATION, "customer desk", "head office", "", "operations", "")]


def under_rules(people):
    """The same people in the groups of the third act's policy; and those who come on."""
    return [replace(p, groups=f"desk;{p.team}") if p.groups == "staff;partner" else p for p in people] + more()


def write_csv(people, path):
    with open(path, "w", encoding="utf-8", newline="") as f:
        out = csv.writer(f)
        out.writerow(["role", "name", "employer", "province", "team", "groups", "vetted_until", "left_on"])
        for p in people:
            out.writerow([p.role, p.name, p.employer, p.province, p.team, p.groups, p.vetted_until, p.left_on])


def roles_sql(people):
    """Roles with SCRAM passwords; names and passwords are ours, without quotes in them."""
    return "SET password_encryption = 'scram-sha-256';\n" + "".join(
        f"CREATE ROLE {p.role} LOGIN PASSWORD '{p.password}' IN ROLE care;\n" for p in people)


if __name__ == "__main__":
    for person in make():
        print(person)
