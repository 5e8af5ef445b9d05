cat >test.pl <<'END'
use strict; use warnings;
use Socket;

pipe(my $r, my $w) or die;
my $pid = fork // die;
if (!$pid) { close $r; print $w "child of ", getppid() == $ARGV[0] ? "?" : "mine", "\n"; exit 7 }
close $w; print <$r>; waitpid $pid, 0; print "status ", $? >> 8, "\n";

socketpair(my $a, my $b, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die;
if (!fork) { close $a; while (defined(my $l = <$b>)) { syswrite $b, uc $l } exit }
close $b;
for my $word (qw(one two)) { syswrite $a, "$word\n"; print scalar <$a> }
shutdown $a, 1; wait; print "ended ", $?, "\n";

local $SIG{ALRM} = sub { die "alarm\n" };
eval { alarm 1; select undef, undef, undef, 20 };
print "caught $@";
$SIG{USR1} = sub { print "usr1\n" };
kill USR1 => $$;

my $text = "2026-11-21 2025-01-02";
print join("|", $text =~ /(\d{4})-(?=11)/g), "\n";
(my $swapped = $text) =~ s/(\d+)-(\d+)-(\d+)/$3.$2.$1/g;
print "$swapped\n";

for my $n (1 .. 5) { fork // die or exit $n }
my %seen;
while ((my $k = wait) > 0) { $seen{$? >> 8}++ }
print join(",", sort keys %seen), "\n";
open my $sorted, "-|", "sort", "-r", "/etc/passwd" or die;
print <$sorted>;
close $sorted;
printf "%s %s\n", -d "/tmp" ? "folder" : "?", (stat "/etc/passwd")[7];
END
perl test.pl $$
