#!/usr/bin/perl
# DBD::Pg through the gate: prints `ok NAME` or `not ok NAME: reason` for each check. lib/env.py says where to connect.
use strict;
use warnings;
use utf8;
use DBI;
use DBD::Pg qw(:pg_types :async);
use Encode;
binmode STDOUT, ':utf8';
binmode STDERR, ':utf8';

my $tls = "host=localhost;hostaddr=127.0.0.1;sslmode=verify-full;sslrootcert=$ENV{E2E_CA};channel_binding=require";
my $unix = "host=$ENV{E2E_SOCKDIR}";
my %only = map { $_ => 1 } split ' ', $ENV{E2E_CHECKS} // ''; # empty: all
$tls = 'host=127.0.0.1;sslmode=disable' if $ENV{E2E_PLAIN};

sub connect_to {
	my ($where, %more) = @_;
	my $password = delete $more{password} // $ENV{E2E_PASSWORD};
	my $application = delete $more{application} // 'dbdpg-e2e';
	return DBI->connect("dbi:Pg:dbname=$ENV{E2E_DB};port=$ENV{E2E_PORT};application_name=$application;connect_timeout=15;$where", $ENV{E2E_USER}, $password,
		{ RaiseError => 1, PrintError => 0, AutoCommit => 1, pg_enable_utf8 => 1, %more });
}
sub equal {
	my ($got, $want, $what) = @_;
	$got //= 'undef';
	$want //= 'undef';
	die(($what ? "$what: " : '') . "got '" . substr($got, 0, 200) . "', wanted '" . substr($want, 0, 200) . "'\n") if $got ne $want;
}
sub fails {
	my ($dbh, $state, $code) = @_;
	eval { $code->(); 1 } and die "no error, wanted $state\n";
	equal($dbh->state, $state);
}

my @checks = (
	types => sub {
		my $dbh = connect_to($tls);
		my $s = $dbh->prepare('select ?::int4, ?::int8, ?::numeric, ?::text, ?::bool, ?::date, ?::int4[], ?::text, ?::bytea, ?::jsonb');
		my $blob = join '', map { chr } 0 .. 255;
		for (1 .. 5) {
			$s->bind_param(1, 1 << 30);
			$s->bind_param(2, '-9223372036854775808');
			$s->bind_param(3, '-1.500');
			$s->bind_param(4, "Zoë '张伟' \\");
			$s->bind_param(5, 't');
			$s->bind_param(6, '1999-12-31');
			$s->bind_param(7, '{1,NULL,3}');
			$s->bind_param(8, undef);
			$s->bind_param(9, $blob, { pg_type => PG_BYTEA });
			$s->bind_param(10, '{"a": [1, null]}');
			$s->execute;
			my @r = $s->fetchrow_array;
			equal($r[0], 1 << 30); equal($r[1], '-9223372036854775808'); equal($r[2], '-1.500'); equal($r[3], "Zoë '张伟' \\");
			equal($r[4], '1'); equal($r[5], '1999-12-31'); equal(join(',', map { $_ // 'N' } @{ $r[6] }), '1,N,3'); equal($r[7], undef);
			equal($r[8], $blob); equal($r[9], '{"a": [1, null]}');
			$s->finish;
		}
		$dbh->disconnect;
	},
	unix_socket => sub {
		my $dbh = connect_to($unix);
		equal($dbh->selectrow_array('select current_user'), $ENV{E2E_USER});
		$dbh->disconnect;
	},
	prepared => sub {
		my $dbh = connect_to($tls);
		for my $server (0, 1) {
			my $s = $dbh->prepare('select phone from customers where id = ?', { pg_server_prepare => $server, pg_prepare_now => $server });
			for my $i (1 .. 60) {
				$s->execute($i);
				equal($s->fetchrow_arrayref->[0], sprintf('138%08d', $i));
				$s->finish;
			}
			$s->execute(-1);
			equal($s->rows, 0);
		}
		$dbh->disconnect;
	},
	cursor => sub {
		my $dbh = connect_to($tls, AutoCommit => 0);
		$dbh->do('declare c cursor for select id from customers order by id');
		my $n = 0;
		while (1) {
			my $rows = $dbh->selectall_arrayref('fetch 333 from c');
			last unless @$rows;
			$n += @$rows;
		}
		equal($n, 2000);
		$dbh->do('close c');
		$dbh->commit;
		$dbh->disconnect;
	},
	copy_both_ways => sub {
		my $dbh = connect_to($tls);
		$dbh->do('copy products to stdout');
		my (@lines, $line);
		$line = '';
		while ($dbh->pg_getcopydata($line) >= 0) { push @lines, $line }
		equal(scalar @lines, 500);
		$dbh->do('create temp table p (like products)');
		$dbh->do('copy p from stdin');
		$dbh->pg_putcopydata($_) for @lines;
		$dbh->pg_putcopyend;
		equal($dbh->selectrow_array('select count(*) from (select * from p except select * from products) x'), 0);
		$dbh->do('copy p from stdin');
		$dbh->pg_putcopydata("1\ta\t1\n");
		$dbh->pg_putcopydata("x\ta\t1\n");
		fails($dbh, '22P02', sub { $dbh->pg_putcopyend });
		equal($dbh->selectrow_array('select count(*) from p'), 500);
		$dbh->disconnect;
	},
	cancel => sub {
		for my $where ($tls, $unix) {
			my $dbh = connect_to($where);
			$dbh->do('select pg_sleep(20)', { pg_async => PG_ASYNC });
			select(undef, undef, undef, 0.2);
			$dbh->pg_cancel;
			equal($dbh->selectrow_array('select 5'), 5);
			$dbh->disconnect;
		}
	},
	errors => sub {
		my $dbh = connect_to($tls);
		fails($dbh, '22012', sub { $dbh->do('select 1/0') });
		fails($dbh, '42601', sub { $dbh->do('selec') });
		fails($dbh, '42P01', sub { $dbh->selectall_arrayref('select * from nowhere where a = ?', undef, 1) });
		$dbh->begin_work;
		fails($dbh, '22012', sub { $dbh->selectall_arrayref('select 1/(? - 1)', undef, 1) });
		fails($dbh, '25P02', sub { $dbh->do('select 1') });
		$dbh->rollback;
		$dbh->do('select 1; select 2; create temp table z (a int)');
		fails($dbh, '22012', sub { $dbh->do('insert into z values (1); select 1/0') });
		equal($dbh->selectrow_array('select count(*) from z'), 0);
		$dbh->disconnect;
	},
	batch => sub {
		my $dbh = connect_to($tls);
		$dbh->do('create temp table b (a int primary key, t text)');
		my $s = $dbh->prepare('insert into b values (?, ?)');
		$s->execute_array({}, [0 .. 299], [map { $_ % 3 ? "t$_" : undef } 0 .. 299]);
		equal($dbh->selectrow_array('select count(*) from b'), 300);
		fails($dbh, '23505', sub { $s->execute(17, 'twice') });
		equal($dbh->selectrow_array('select count(*) from b where t is null'), 100);
		$dbh->disconnect;
	},
	large_object => sub {
		my $dbh = connect_to($tls, AutoCommit => 0);
		my $oid = $dbh->pg_lo_creat($dbh->{pg_INV_WRITE} | $dbh->{pg_INV_READ});
		my $fd = $dbh->pg_lo_open($oid, $dbh->{pg_INV_WRITE} | $dbh->{pg_INV_READ});
		my $data = 'abcdefghij' x 30000;
		equal($dbh->pg_lo_write($fd, $data, length $data), length $data);
		$dbh->pg_lo_lseek($fd, 100000, 0);
		my $back;
		$dbh->pg_lo_read($fd, $back, 10);
		equal($back, 'abcdefghij');
		$dbh->pg_lo_close($fd);
		$dbh->pg_lo_unlink($oid);
		$dbh->commit;
		$dbh->disconnect;
	},
	megabyte => sub {
		my $dbh = connect_to($tls);
		my $text = "\x{e4}" x (1 << 20);
		equal($dbh->selectrow_array('select ?::text', undef, $text), $text);
		$dbh->disconnect;
	},
	notify => sub {
		my ($a, $b) = (connect_to($tls), connect_to($tls));
		$a->do('listen perl_ring');
		$b->do("notify perl_ring, 'hello'");
		my $n;
		for (1 .. 100) {
			$n = $a->pg_notifies and last;
			select(undef, undef, undef, 0.05);
		}
		equal(join(' ', @$n[0, 2]), 'perl_ring hello');
		$_->disconnect for $a, $b;
	},
	notices_and_parameters => sub {
		my @notices;
		local $SIG{__WARN__} = sub { push @notices, $_[0] };
		my $dbh = connect_to("$tls;options='-c timezone=Asia/Tokyo'", PrintWarn => 1);
		$dbh->do(q{do $$ begin raise warning 'w %', 1; end $$});
		equal(join('', @notices) =~ /WARNING:\s+w 1/ ? 1 : 0, 1, 'no warning came');
		equal($dbh->selectrow_array('show timezone'), 'Asia/Tokyo');
		equal(int($dbh->{pg_server_version} / 10000), 15);
		$dbh->disconnect;
	},
	wrong_password => sub {
		for my $where ($tls, $unix) {
			eval { connect_to($where, password => 'wrong'); 1 } and die "logged in with a wrong password\n";
			die $@ unless $@ =~ /password authentication failed for user "$ENV{E2E_USER}"/;
		}
	},
	connections => sub {
		for my $i (1 .. 200) {
			my $dbh = connect_to($i % 2 ? $unix : $tls);
			equal($dbh->selectrow_array('select ?::int', undef, $i), $i);
			$dbh->disconnect;
		}
	},
	record => sub { # test_record.py looks for this in the ledger
		my $dbh = connect_to($tls, application => 'record-perl');
		equal(scalar @{ $dbh->selectall_arrayref('select id, full_name from customers where id = ?', undef, 601) }, 1);
		my $s = $dbh->prepare('select full_name, phone from customers where id = ?');
		for my $i (602 .. 604) { $s->execute($i); equal($s->rows, 1); $s->finish }
		$dbh->begin_work;
		$dbh->do('declare c cursor for select id from customers where id between 611 and 613');
		equal(scalar @{ $dbh->selectall_arrayref('fetch all from c') }, 3);
		$dbh->commit;
		$dbh->disconnect;
	},
);

while (my ($name, $check) = splice @checks, 0, 2) {
	next if %only && !$only{$name};
	if (eval { $check->(); 1 }) {
		print "ok $name\n";
	} else {
		my $why = $@;
		print STDERR $why;
		$why =~ s/\n/ /g;
		print "not ok $name: $why\n";
	}
}
