"""Every type in text and binary, as constant, parameter and result, alone, in arrays and in rows; and what is done with them."""
from . import Group

VALUES = {
    'bool': ['t', 'false', 'maybe'],
    'int2': ['0', '-32768', '32767', '32768'],
    'int4': ['0', '-2147483648', '2147483647', ' 7 ', 'x'],
    'int8': ['0', '-9223372036854775808', '9223372036854775807', '1e3'],
    'float4': ['0', '-0', '1.5', '3.4e38', '1e39', 'NaN', '-Infinity'],
    'float8': ['0', '1e-307', '0.1', '1.7976931348623157e308', 'Infinity', 'nan'],
    'numeric': ['0', '-0.00', '12345678901234567890.123456789', '1e-50', 'NaN', 'Infinity', '1e131072'],
    'money': ['0', '-12.34', '1,000.50'],
    'text': ['', 'plain', 'Zoë 张伟 𝄞', "quote ' and \\ back", 'x' * 3000],
    'varchar(5)': ['', 'abcde', 'abcdef'],
    'char(5)': ['', 'ab', 'abcde  '],
    '"char"': ['', 'a', 'ab'],
    'name': ['n', 'x' * 70],
    'bytea': ['', '\\x00ff41', '\\x0', 'abc\\001'],
    'date': ['2000-01-01', '0001-01-01 BC', '5874897-12-31', 'infinity', '2024-02-30'],
    'time': ['00:00', '23:59:59.999999', '24:00', '25:00'],
    'timetz': ['12:00+08', '00:00:00.5-15:59'],
    'timestamp': ['2000-01-01 00:00:00', '1999-12-31 23:59:59.999999', '-infinity', '4713-01-01 00:00:00 BC', '2024-13-01'],
    'timestamptz': ['2000-01-01 00:00:00+00', '2024-06-30 12:34:56.789+05:30', 'infinity'],
    'interval': ['0', '1 year -2 months 3 days 04:05:06.7', 'P1Y2M3DT4H5M6S', '-1 second', 'many'],
    'uuid': ['00000000-0000-0000-0000-000000000000', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 'zzz'],
    'json': ['null', '{"a": [1, 2.50, {"b": null}], "c": "\\u00e9"}', '{', '" "'],
    'jsonb': ['null', '{"b": 1, "a": [1, 2.50, true], "a": 2}', '[1,]', '123456789012345678901234567890'],
    'jsonpath': ['$.a[*] ? (@ > 2)', '$..'],
    'xml': ['<a b="1">x</a>', '<a'],
    'inet': ['127.0.0.1', '10.1.2.3/8', '::1/64', '300.1.1.1'],
    'cidr': ['10.0.0.0/8', '10.1.0.0/8'],
    'macaddr': ['08:00:2b:01:02:03', '08-00'],
    'macaddr8': ['08:00:2b:01:02:03:04:05'],
    'bit(4)': ['1010', '101'],
    'varbit': ['', '1', '101010101', '2'],
    'point': ['(1,2.5)', '(1'],
    'line': ['{1,2,3}'],
    'lseg': ['[(0,0),(1,1)]'],
    'box': ['(1,1),(0,0)'],
    'path': ['((0,0),(1,1),(2,0))', '[(0,0),(1,1)]'],
    'polygon': ['((0,0),(1,1),(2,0))'],
    'circle': ['<(1,2),3>'],
    'tsvector': ["'a':1A 'fat':2B,4C 'cat':5", ''],
    'tsquery': ["'fat' & ( 'rat' | !'cat' )", 'a &'],
    'int4range': ['[1,10)', 'empty', '(,5]', '[5,1]'],
    'numrange': ['[1.5,2.5]', '(,)'],
    'tsrange': ['[2020-01-01,2021-01-01)'],
    'daterange': ['[2020-01-01,2020-12-31]'],
    'int4multirange': ['{[1,3),[5,8)}', '{}'],
    'oid': ['0', '4294967295', '-1'],
    'regclass': ['customers', 'pg_class', 'nowhere'],
    'regtype': ['int4', 'text[]'],
    'regproc': ['now'],
    'pg_lsn': ['16/B374D848'],
    'xid8': ['12345678901'],
    'txid_snapshot': ['10:20:10,14'],
    'tid': ['(1,2)'],
    'hstore': ['a=>1, b=>NULL'],
    'citext': ['MiXed'],
    'int2vector': ['1 2 3'],
    'oidvector': ['1 2'],
}
ARRAYS = {
    'int4': ['{}', '{1,NULL,3}', '{{1,2},{3,4}}', '[2:4]={7,8,9}', '{{1},{2,3}}'],
    'text': ['{}', '{a,"b c","d\\"e",NULL,""}', '{{a,b},{c,d}}'],
    'bool': ['{t,f,NULL}'], 'numeric': ['{1.5,NaN}'], 'float8': ['{0.1,Infinity}'], 'date': ['{2000-01-01,NULL}'],
    'timestamptz': ['{2000-01-01 00:00:00+00}'], 'uuid': ['{00000000-0000-0000-0000-000000000000}'], 'bytea': ['{"\\\\x00ff"}'],
    'jsonb': ['{"{\\"a\\": 1}"}'], 'int4range': ['{"[1,2)"}'], 'interval': ['{1 day}'], 'inet': ['{10.0.0.1}'], 'varchar(3)': ['{abc,de}'],
}
EXPRESSIONS = """
1 + 1|7 / 2|7 % 3|-7 / 2|2 ^ 10|5 & 3|5 # 3|~5|1 << 4|@ -5|7.0 / 3|round(2.5)|round(-2.567, 2)|trunc(9.99)|ceil(1.1)|floor(-1.1)|sqrt(2::float8)|cbrt(27)|exp(1.0)
ln(2.0)|log(100)|pi()|degrees(1)|power(2, 0.5)|mod(10, 3)|gcd(12, 18)|lcm(4, 6)|factorial(20)|sign(-3)|width_bucket(5, 0, 10, 5)|div(9, 4)|scale(1.500)|min_scale(1.500)|trim_scale(1.500)
greatest(1, 3, 2)|least(1, null, 2)|coalesce(null, 5)|nullif(1, 1)|1 between 0 and 2|1 is distinct from null|null is null|true and null|not false|1 in (1, 2)|case when 1 > 2 then 'a' else 'b' end
'a' || 'b'|upper('straße')|lower('ÀÉ')|initcap('hello world')|length('张伟')|octet_length('张伟')|char_length('x')|position('b' in 'abc')|substring('abcdef' from 2 for 3)|substring('abc123' from '[0-9]+')
overlay('abcdef' placing 'XX' from 2 for 3)|trim(both 'x' from 'xxaxx')|ltrim('  a')|rtrim('a  ')|lpad('5', 3, '0')|rpad('a', 3, '*')|left('abc', -1)|right('abc', 2)|repeat('ab', 3)|replace('aXb', 'X', 'yy')|reverse('abc')
split_part('a,b,c', ',', 2)|strpos('abc', 'c')|translate('12345', '143', 'ax')|ascii('é')|chr(8364)|md5('a')|sha256('a'::bytea)|encode('\\xdeadbeef', 'base64')|decode('3q2+7w==', 'base64')|encode('a', 'hex')|to_hex(255)|quote_ident('a b')|quote_literal('a''b')|quote_nullable(null)
format('%s %I %L', 'a', 'b c', 'd''e')|concat('a', null, 'b')|concat_ws(',', 'a', null, 'b')|starts_with('abc', 'ab')|string_to_array('a,b,,c', ',')|array_to_string(array[1,null,3], ',', '*')|regexp_replace('abc', 'b', 'X')|regexp_match('foobar', '(o+)(b)')|regexp_split_to_array('a1b2', '[0-9]')
regexp_count('aXbXc', 'X')|regexp_instr('abcd', 'c')|regexp_substr('abc123', '[0-9]+')|regexp_like('abc', '^a')|'abc' like 'a%'|'abc' ilike 'A_C'|'abc' similar to '(a|b)%'|'abc' ~ '^a.c$'|'abc' ~* 'B'|'abc' !~ 'z'|unistr('\\0041')|normalize('é', NFD)|'a' collate "C" < 'B'|convert_to('é', 'LATIN1')|convert_from('\\xe9', 'LATIN1')
to_char(1234.5, 'FM9,999.00')|to_char(-7, 'S09')|to_char(485, 'RN')|to_number('1,234.5', '9,999.9')|to_char(timestamp '2024-02-29 13:14:15', 'YYYY-MM-DD HH24:MI:SS Day Mon TMMonth Q WW IW J')|to_date('29 Feb 2024', 'DD Mon YYYY')|to_timestamp('2024-02-29 01', 'YYYY-MM-DD HH24')|to_timestamp(0)
date '2024-01-31' + 1|date '2024-03-01' - date '2024-02-01'|timestamp '2024-01-31' + interval '1 month'|age(timestamp '2024-03-01', timestamp '2023-01-15')|extract(epoch from timestamptz '2000-01-01 00:00Z')|date_part('dow', date '2024-02-29')|date_trunc('quarter', timestamp '2024-05-06')|date_bin('15 min', timestamp '2024-05-06 10:07', timestamp '2024-01-01')
make_date(2024, 2, 29)|make_time(1, 2, 3.5)|make_interval(days => 3, hours => 4)|make_timestamptz(2024, 1, 1, 0, 0, 0, 'UTC')|justify_interval(interval '40 days 30 hours')|isfinite(date 'infinity')|timestamp '2024-01-01' at time zone 'Asia/Shanghai'|timestamptz '2024-01-01 00:00Z' at time zone 'America/New_York'|interval '1 day' * 2.5|(date '2024-01-01', date '2024-02-01') overlaps (date '2024-01-15', date '2024-03-01')
array[1,2] || 3|array[1,2,3] @> array[2]|array[1,2] && array[2,3]|array_length(array[[1,2],[3,4]], 2)|array_dims(array[[1],[2]])|array_position(array['a','b'], 'b')|array_remove(array[1,2,1], 1)|array_replace(array[1,2], 2, 9)|cardinality(array[1,2])|array_fill(7, array[2,2])|unnest(array[1,2,3])|generate_subscripts(array[5,6], 1)|(array[1,2,3])[2:3]|trim_array(array[1,2,3], 1)|1 = any(array[1,2])|1 > all(array[0])|array_agg(1)
'{"a": {"b": [1, 2]}}'::jsonb -> 'a'|'{"a": {"b": [1, 2]}}'::jsonb #>> '{a,b,0}'|'{"a": 1}'::jsonb ->> 'a'|'[1, 2]'::jsonb @> '1'|'{"a": 1}'::jsonb ? 'a'|'{"a": 1}'::jsonb || '{"b": 2}'|'{"a": 1, "b": 2}'::jsonb - 'a'|jsonb_set('{"a": 1}', '{a}', '5')|jsonb_insert('[1]', '{0}', '0')|jsonb_pretty('{"a": [1]}')|jsonb_typeof('1')|jsonb_array_elements('[1, "a"]')|jsonb_each('{"a": 1}')|jsonb_object_keys('{"a": 1, "b": 2}')
jsonb_path_query('[1, 2, 3]', '$[*] ? (@ > 1)')|jsonb_path_exists('{"a": 1}', '$.a')|'{"a": 1}'::jsonb @? '$.b'|json_build_object('a', 1, 'b', array[1,2])|jsonb_build_array(1, 'a', null)|to_jsonb(row(1, 'a'))|row_to_json(row(1, 'a'))|json_object('{a,1,b,2}')|json_strip_nulls('{"a": null}')|jsonb_to_record('{"a": 1}')|array_to_json(array[1,2])|json_agg(1)|jsonb_object_agg('k', 1)
int4range(1, 5) * int4range(3, 8)|int4range(1, 5) @> 3|upper(int4range(1, 5))|lower_inf(int4range(null, 5))|isempty(int4range(1, 1))|int4range(1, 2) -|- int4range(2, 3)|range_merge(int4range(1, 2), int4range(5, 6))|int4multirange(int4range(1, 2), int4range(5, 6))|unnest('{[1,2),[5,6)}'::int4multirange)|range_agg(int4range(1, 2))
inet '10.0.0.1' << inet '10.0.0.0/8'|host(inet '10.0.0.1/8')|masklen(inet '10.0.0.1/8')|network(inet '10.1.2.3/8')|set_masklen(inet '10.0.0.1', 16)|inet '10.0.0.1' + 5|family(inet '::1')|abbrev(cidr '10.0.0.0/8')|trunc(macaddr '12:34:56:78:90:ab')
point(1, 2) <-> point(4, 6)|box(point(0,0), point(1,1)) && box(point(0.5,0.5), point(2,2))|area(box '(2,2),(0,0)')|center(circle '<(1,2),3>')|lseg '[(0,0),(1,1)]' ?# lseg '[(0,1),(1,0)]'|polygon(circle '<(0,0),1>')|npoints(path '((0,0),(1,1))')
to_tsvector('english', 'The quick brown foxes')|to_tsquery('english', 'fox & quick')|to_tsvector('english', 'foxes') @@ to_tsquery('english', 'fox')|ts_rank(to_tsvector('a b'), to_tsquery('a'))|ts_headline('english', 'quick foxes', to_tsquery('english', 'fox'))|plainto_tsquery('a b')|phraseto_tsquery('a b')|websearch_to_tsquery('"a b" -c')|setweight('a:1'::tsvector, 'B')|strip('a:1'::tsvector)|ts_debug('english', 'foxes')
get_byte('\\x1234', 1)|set_byte('\\x1234', 0, 255)|bit_count('\\xff')|'\\x12'::bytea || '\\x34'|substring('\\x123456'::bytea from 2)|b'1010' & b'1100'|b'101'::int|5::bit(4)|crypt_none()|hashtext('a')|pg_typeof(1.5)|pg_typeof(null)|current_setting('TimeZone')|current_setting('no.such', true)|current_user|current_database()|current_schema()|current_schemas(true)|session_user|has_table_privilege('anna', 'customers', 'SELECT')|pg_get_viewdef('v_customer'::regclass)|pg_get_indexdef(i.indexrelid) from pg_index i where indrelid = 'orders'::regclass|obj_description('customers'::regclass)|format_type(23, null)|pg_get_constraintdef(oid) from pg_constraint where conrelid = 'orders'::regclass|pg_column_size(1)|pg_encoding_to_char(6)|num_nulls(1, null)|row(1, 'a', null)|row(1, row(2, 3))|row(1, 2) = row(1, 2)|(row(1, null)) is null|xmlelement(name a, xmlattributes(1 as b), 'x')|xpath('/a/b', '<a><b>1</b></a>')|query_to_xml('select 1 as a', true, false, '')|'infinity'::timestamptz - '-infinity'::timestamptz|to_regclass('nowhere')|to_regtype('int')|xmlserialize(content '<a/>' as text)
"""


def groups():
    g = Group('types')
    for kind, values in VALUES.items():
        for v in [*values, None]:
            literal = 'null' if v is None else "'%s'" % v.replace("'", "''")
            g.q('select %s::%s as v' % (literal, kind))
            for fmt in (0, 1):
                g.x('select $1::%s as v' % kind, [v], rformats=[fmt])
    yield g
    g = Group('arrays')
    for kind, values in ARRAYS.items():
        for v in values:
            g.q("select '%s'::%s[] as v" % (v.replace("'", "''"), kind))
            for fmt in (0, 1):
                g.x('select $1::%s[] as v' % kind, [v], rformats=[fmt])
                g.x('select x, row(x, 1) from unnest($1::%s[]) x' % kind, [v], rformats=[fmt])
    yield g
    g = Group('binary parameters')
    for kind, data in (('int2', b'\x12\x34'), ('int4', b'\xff\xff\xff\xfe'), ('int8', b'\x80' + bytes(7)), ('bool', b'\x01'), ('float8', b'\x3f\xf8' + bytes(6)), ('text', 'é'.encode()),
                       ('bytea', bytes(range(256))), ('uuid', bytes(range(16))), ('date', b'\0\0\x01\0'), ('timestamptz', bytes(6) + b'\x01\0'), ('numeric', b'\0\x02\0\0\0\0\0\x02\0\x05\x13\x88'),
                       ('int4[]', b'\0\0\0\x01\0\0\0\x01\0\0\0\x17\0\0\0\x02\0\0\0\x01\0\0\0\x04\0\0\0\x07\xff\xff\xff\xff'), ('jsonb', b'\x01{"a":1}'), ('interval', bytes(16)), ('inet', b'\x02\x20\0\x04\x7f\0\0\x01'),
                       ('int4', b'\0\0\x01'), ('int4', b'\0' * 5), ('text', b'\xff\xfe'), ('text', b'a\0b'), ('bool', b''), ('numeric', b'\0\x01'), ('int4[]', b'\0\0\0\x01'), ('jsonb', b'\x02{}'), ('uuid', b'x'),
                       ('"char"', b'\x80'), ('oid', b'\xff' * 4), ('time', bytes(7) + b'\x01'), ('date', b'\x7f\xff\xff\xff'), ('point', bytes(16)), ('bit(4)', b'\0\0\0\x04\xa0'), ('varbit', b'\0\0\0\x09\xa0\x80')):
        for fmt in (0, 1):
            g.x('select $1::%s as v, $1::%s is null' % (kind, kind), [data], pformats=[1], rformats=[fmt])
    yield g
    for fmt in ('simple', 'text', 'binary'):
        g = Group('expressions ' + fmt)
        for line in EXPRESSIONS.strip().splitlines():
            for e in _split(line):
                sql = 'select ' + e
                if fmt == 'simple':
                    g.q(sql)
                else:
                    g.x(sql, rformats=[fmt == 'binary'])
        yield g
    g = Group('settings of output')
    for setting in ("bytea_output = 'escape'", "intervalstyle = 'iso_8601'", "intervalstyle = 'sql_standard'", "intervalstyle = 'postgres_verbose'", "datestyle = 'German, DMY'", "datestyle = 'SQL, MDY'",
                    "datestyle = 'Postgres, DMY'", 'extra_float_digits = -5', "timezone = 'Asia/Kathmandu'", "client_encoding = 'LATIN1'", "client_encoding = 'SQL_ASCII'", "client_encoding = 'GBK'", "xmlbinary = 'hex'"):
        g.q('set ' + setting)
        g.both("select '\\x00ff'::bytea, interval '1 day 02:03:04', timestamptz '2024-02-29 12:00Z', date '2024-02-29', 0.1::float8 / 3, 'é'")
        g.q("select '张伟'", 'select * from customers where id = 3')
    yield g


def _split(line):
    """Splits at | that separates expressions, not at || and -|-, nor inside quotes."""
    out, part, quoted, i = [], '', False, 0
    while i < len(line):
        c = line[i]
        if c == "'":
            quoted = not quoted
        if not quoted and line[i:i + 2] == '||':
            part += '||'
            i += 2
            continue
        if not quoted and line[i:i + 3] == '-|-':
            part += '-|-'
            i += 3
            continue
        if c == '|' and not quoted:
            out.append(part)
            part = ''
        else:
            part += c
        i += 1
    return out + [part]
