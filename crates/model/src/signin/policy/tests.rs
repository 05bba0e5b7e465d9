use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::well_known::{AKS_CLIENT, AKS_SERVER, ARM, AZURE_CLI, GRAPH};

const ALICE: UserId = UserId::from_uuid(Uuid::from_u128(1));
const BREAK_GLASS: UserId = UserId::from_uuid(Uuid::from_u128(2));
const PLATFORM: GroupId = GroupId::from_uuid(Uuid::from_u128(10));
const PIPELINE: ServicePrincipalId = ServicePrincipalId::from_uuid(Uuid::from_u128(20));
const OFFICE: LocationId = LocationId::from_uuid(Uuid::from_u128(30));

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_000_000 + seconds).expect("a time")
}

fn everybody() -> Who {
    Who::People { include: People { all: true, ..People::default() }, exclude: People::default() }
}

fn policy(name: &str, control: Control) -> Policy {
    Policy {
        id: PolicyId::from_uuid(Uuid::from_u128(name.len() as u128)),
        name: name.into(),
        state: State::Enabled,
        who: everybody(),
        applications: Applications { all: true, ..Applications::default() },
        clients: Vec::new(),
        places: None,
        device_code: None,
        control,
        frequency: None,
        created: at(0),
        modified: None,
    }
}

fn office() -> Location {
    Location {
        id: OFFICE,
        name: "Office".into(),
        is_trusted: true,
        ranges: vec!["192.0.2.0/24".parse().expect("a range"), "2001:db8::/32".parse().expect("a range")],
        created: at(0),
        modified: None,
    }
}

fn alice(groups: &[GroupId]) -> Context<'_> {
    Context {
        subject: Subject::Person { id: ALICE, groups, is_administrator: false, is_guest: false },
        client: AKS_CLIENT,
        is_public: true,
        resources: &[AKS_SERVER],
        besides: &[],
        grant: GrantKind::Code,
        address: "192.0.2.7".parse().expect("an address"),
        nearness: None,
    }
}

fn is_blocked(policy: &Policy, context: &Context<'_>) -> bool {
    decide(std::slice::from_ref(policy), &[office()], context).blocked.is_some()
}

#[test]
fn s_803_a_policy_is_about_people_groups_administrators_guests_and_never_about_whom_it_excludes() {
    let who = |include: People, exclude: People| Policy { who: Who::People { include, exclude }, ..policy("p", Control::Block) };
    let nobody = People::default;
    let me = People { users: vec![ALICE], ..nobody() };
    let platform = People { groups: vec![PLATFORM], ..nobody() };
    let all = People { all: true, ..nobody() };
    assert!(is_blocked(&who(me.clone(), nobody()), &alice(&[])));
    assert!(!is_blocked(&who(platform.clone(), nobody()), &alice(&[])));
    assert!(is_blocked(&who(platform.clone(), nobody()), &alice(&[PLATFORM])));
    assert!(!is_blocked(&who(all.clone(), me), &alice(&[PLATFORM])));
    assert!(!is_blocked(&who(all.clone(), platform), &alice(&[PLATFORM])));
    let administrators = who(People { administrators: true, ..nobody() }, nobody());
    let guests = who(People { guests: true, ..nobody() }, nobody());
    let as_other = |is_administrator, is_guest| Context {
        subject: Subject::Person { id: ALICE, groups: &[], is_administrator, is_guest },
        ..alice(&[])
    };
    assert!(is_blocked(&administrators, &as_other(true, false)) && !is_blocked(&administrators, &as_other(false, true)));
    assert!(is_blocked(&guests, &as_other(false, true)) && !is_blocked(&guests, &as_other(true, false)));
    assert!(!is_blocked(&who(nobody(), nobody()), &alice(&[PLATFORM])));
}

#[test]
fn s_803_an_application_is_met_as_the_resource_and_as_the_program_and_excluded_as_the_resource_only() {
    let apps = |include: &[AppId], exclude: &[AppId]| Policy {
        applications: Applications { all: include.is_empty(), include: include.to_vec(), exclude: exclude.to_vec() },
        ..policy("p", Control::Block)
    };
    assert!(is_blocked(&apps(&[AKS_SERVER], &[]), &alice(&[])));
    assert!(is_blocked(&apps(&[AKS_CLIENT], &[]), &alice(&[])));
    assert!(!is_blocked(&apps(&[GRAPH], &[]), &alice(&[])));
    assert!(!is_blocked(&apps(&[], &[AKS_SERVER]), &alice(&[])));
    assert!(is_blocked(&apps(&[], &[AKS_CLIENT]), &alice(&[])), "a client id that anybody can send is no way out");
}

#[test]
fn s_803_a_cluster_with_an_application_of_its_own_is_met_under_both_ids() {
    let own = AppId::from_uuid(Uuid::from_u128(99));
    let context = Context { resources: &[own, AKS_SERVER], ..alice(&[]) };
    let apps = |app| Policy {
        applications: Applications { include: vec![app], ..Applications::default() },
        ..policy("p", Control::Block)
    };
    assert!(is_blocked(&apps(own), &context) && is_blocked(&apps(AKS_SERVER), &context) && !is_blocked(&apps(ARM), &context));
}

#[test]
fn s_803_what_a_token_opens_besides_is_met_under_its_own_id_and_excluded_by_nothing_else() {
    let context = Context { resources: &[ARM], besides: &[GRAPH], ..alice(&[]) };
    let apps = |include: &[AppId], exclude: &[AppId]| Policy {
        applications: Applications { all: include.is_empty(), include: include.to_vec(), exclude: exclude.to_vec() },
        ..policy("p", Control::Block)
    };
    assert!(is_blocked(&apps(&[ARM], &[]), &context) && is_blocked(&apps(&[GRAPH], &[]), &context));
    assert!(is_blocked(&apps(&[], &[GRAPH]), &context), "what is asked for stays met");
    assert!(is_blocked(&apps(&[], &[ARM]), &context), "the directory stays met");
    assert!(!is_blocked(&apps(&[], &[ARM, GRAPH]), &context) && !is_blocked(&apps(&[AKS_SERVER], &[]), &context));
    assert!(!is_blocked(&apps(&[GRAPH], &[]), &Context { besides: &[], ..context }));
}

#[test]
fn s_803_a_network_is_where_the_request_comes_from() {
    let all = PlaceSet { all: true, ..PlaceSet::default() };
    let trusted = PlaceSet { trusted: true, ..PlaceSet::default() };
    let named = PlaceSet { named: vec![OFFICE], ..PlaceSet::default() };
    let places = |include: &PlaceSet, exclude: &PlaceSet| Policy {
        places: Some(Places { include: include.clone(), exclude: exclude.clone() }),
        ..policy("p", Control::Block)
    };
    let from = |address: &str| Context { address: address.parse().expect("an address"), ..alice(&[]) };
    let nowhere = PlaceSet::default();
    for (policy, inside, outside) in [
        (places(&named, &nowhere), true, false),
        (places(&trusted, &nowhere), true, false),
        (places(&all, &trusted), false, true),
        (places(&all, &named), false, true),
        (places(&all, &nowhere), true, true),
    ] {
        for (address, expected) in [
            ("192.0.2.9", inside),
            ("::ffff:192.0.2.9", inside),
            ("2001:db8::1", inside),
            ("192.0.3.9", outside),
            ("::1", outside),
        ] {
            assert_eq!(is_blocked(&policy, &from(address)), expected, "{address} {policy:?}");
        }
    }
}

#[test]
fn s_803_ways_of_signing_in_are_told_apart() {
    let kinds = |clients: &[ClientKind]| Policy { clients: clients.to_vec(), ..policy("p", Control::Block) };
    let by = |grant, is_public| Context { is_public, grant, ..alice(&[]) };
    let legacy = kinds(&[ClientKind::ActiveSync, ClientKind::Other]);
    assert!(is_blocked(&legacy, &by(GrantKind::Password, true)));
    for grant in [GrantKind::Code, GrantKind::DeviceCode, GrantKind::OnBehalfOf] {
        assert!(!is_blocked(&legacy, &by(grant, true)), "{grant:?}");
    }
    assert!(is_blocked(&kinds(&[ClientKind::Browser]), &by(GrantKind::Code, false)));
    assert!(is_blocked(&kinds(&[ClientKind::Native]), &by(GrantKind::Code, true)));
    assert!(is_blocked(&kinds(&[ClientKind::Native]), &by(GrantKind::DeviceCode, true)));
    assert!(is_blocked(&kinds(&[ClientKind::Browser]), &by(GrantKind::OnBehalfOf, false)));
    let device = Policy { device_code: Some(DeviceCode::Any), ..policy("p", Control::Block) };
    assert!(is_blocked(&device, &by(GrantKind::DeviceCode, true)));
    assert!(is_blocked(&device, &by(Origin::Device.into(), true)), "a refresh token counts as the grant it came from");
    assert!(!is_blocked(&device, &by(Origin::Code.into(), true)));
}

#[test]
fn w_111_a_policy_can_block_device_codes_from_another_network() {
    let policy = Policy { device_code: Some(DeviceCode::OtherNetwork), ..policy("p", Control::Block) };
    let with = |nearness| Context { grant: GrantKind::DeviceCode, nearness, ..alice(&[]) };
    assert!(is_blocked(&policy, &with(Some(Nearness::Different))));
    assert!(is_blocked(&policy, &with(Some(Nearness::Unknown))));
    assert!(!is_blocked(&policy, &with(Some(Nearness::Same))));
    assert!(!is_blocked(&policy, &with(None)), "after the approval it is settled");
}

#[test]
fn w_111_a_block_of_device_codes_alone_says_that_another_way_may_be_open() {
    let device = Policy { device_code: Some(DeviceCode::Any), ..policy("device", Control::Block) };
    let context = Context { grant: GrantKind::DeviceCode, ..alice(&[]) };
    let unmet = |policies: &[Policy]| decide(policies, &[], &context).unmet(&[Method::Pwd], at(0), at(0));
    assert_eq!(unmet(std::slice::from_ref(&device)), Some(Unmet::DeviceCode));
    assert_eq!(Unmet::DeviceCode.number().code(), 530_032);
    let both = [device, policy("all", Control::Block)];
    assert_eq!(unmet(&both), Some(Unmet::Blocked));
    assert_eq!(unmet(&[both[1].clone(), both[0].clone()]), Some(Unmet::Blocked));
}

#[test]
fn w_111_a_tenants_rule_about_device_codes_is_off_same_network_or_on() {
    let rule = |device_code| SignInRules { device_code, ..SignInRules::SERVE };
    let (same, other) = (Some(Nearness::Same), Some(Nearness::Different));
    assert_eq!(rule(DeviceRule::Off).device(same), Err(RuleBreach::DeviceCodeOff));
    assert_eq!(rule(DeviceRule::Off).device(None), Err(RuleBreach::DeviceCodeOff));
    assert_eq!(rule(DeviceRule::SameNetwork).device(same), Ok(()));
    assert_eq!(rule(DeviceRule::SameNetwork).device(other), Err(RuleBreach::OtherNetwork));
    assert_eq!(rule(DeviceRule::SameNetwork).device(Some(Nearness::Unknown)), Err(RuleBreach::OtherNetwork));
    assert_eq!(rule(DeviceRule::On).device(other), Ok(()));
    assert_eq!(SignInRules::SERVE.device_code, DeviceRule::SameNetwork);
    assert_eq!(SignInRules::DEMO.device_code, DeviceRule::On);
    assert_eq!(RuleBreach::OtherNetwork.number().code(), 530_032);
}

#[test]
fn s_250_the_password_grant_is_off_for_programs_that_were_not_named() {
    let only = SignInRules { password_grant: PasswordRule::Only(vec![AZURE_CLI]), ..SignInRules::SERVE };
    assert_eq!(only.password(AZURE_CLI), Ok(()));
    assert_eq!(only.password(AKS_CLIENT), Err(RuleBreach::PasswordGrantOff));
    assert_eq!(SignInRules::SERVE.password(AZURE_CLI), Err(RuleBreach::PasswordGrantOff));
    assert_eq!(RuleBreach::PasswordGrantOff.number().code(), 530_035);
}

#[test]
fn s_803_people_and_applications_by_themselves_have_policies_of_their_own() {
    let own = Policy { who: Who::Applications { include: Principals::All, exclude: Vec::new() }, ..policy("p", Control::Block) };
    let itself =
        Context { subject: Subject::Application(PIPELINE), grant: GrantKind::ClientCredentials, is_public: false, ..alice(&[]) };
    assert!(is_blocked(&own, &itself) && !is_blocked(&own, &alice(&[])));
    assert!(!is_blocked(&policy("p", Control::Block), &itself));
    let but = Policy { who: Who::Applications { include: Principals::All, exclude: vec![PIPELINE] }, ..own.clone() };
    assert!(!is_blocked(&but, &itself));
    let these = Policy { who: Who::Applications { include: Principals::These(vec![PIPELINE]), exclude: Vec::new() }, ..own };
    assert!(is_blocked(&these, &itself));
}

#[test]
fn s_803_demands_add_up_and_the_shortest_time_counts() {
    let hours = |hours| Some(Frequency::Hours(hours));
    let all = [
        Policy { frequency: hours(8), ..policy("a", Control::SecondFactor) },
        Policy { frequency: hours(4), ..policy("b", Control::Nothing) },
        policy("c", Control::Passkey),
        Policy { state: State::Disabled, frequency: hours(1), ..policy("d", Control::Block) },
    ];
    let verdict = decide(&all, &[], &alice(&[]));
    let expected = Demands { second_factor: true, passkey: true, fresh_within: Some(SignedDuration::from_hours(4)) };
    assert_eq!((verdict.blocked, verdict.demands), (None, expected));
}

#[test]
fn s_803_what_a_sign_in_lacks_is_told_one_thing_at_a_time() {
    let demands = Demands { second_factor: true, passkey: false, fresh_within: Some(SignedDuration::from_hours(1)) };
    let unmet = |demands: Demands, how: &[Method], now| demands.unmet(how, at(0), at(now));
    assert_eq!(unmet(demands, &[Method::Pwd], 10), Some(Unmet::SecondFactor));
    assert_eq!(unmet(demands, &[Method::Pwd, Method::Otp, Method::Mfa], 10), None);
    assert_eq!(unmet(demands, &[Method::Fido], 10), None);
    assert_eq!(unmet(demands, &[Method::Fido], 3600), Some(Unmet::Fresh));
    let passkey = Demands { passkey: true, ..Demands::default() };
    assert_eq!(unmet(passkey, &[Method::Pwd, Method::Mfa], 10), Some(Unmet::Passkey));
    assert_eq!(unmet(passkey, &[Method::Fido, Method::Mfa], 10), None);
    assert!(Demands::default().is_nothing());
}

#[test]
fn aadsts_53003_50076_and_70043_tell_what_a_policy_wants() {
    let numbers = [Unmet::Blocked, Unmet::SecondFactor, Unmet::Passkey, Unmet::Fresh].map(|unmet| unmet.number().code());
    assert_eq!(numbers, [53_003, 50_076, 50_076, 70_043]);
}

#[test]
fn s_803_a_policy_that_only_reports_changes_nothing() {
    let only = Policy { state: State::ReportOnly, ..policy("only", Control::Block) };
    let verdict = decide(&[only], &[], &alice(&[]));
    assert_eq!((verdict.blocked.as_deref(), verdict.demands), (None, Demands::default()));
    assert_eq!(verdict.reports[0].effect.unmet(&[Method::Pwd], at(0), at(0)), Some(Unmet::Blocked));
}

#[test]
fn s_803_some_administrator_always_keeps_a_way_in() {
    let administrators = [ALICE, BREAK_GLASS].map(|id| Administrator { id, groups: Vec::new(), is_guest: false });
    let block = policy("block everybody", Control::Block);
    assert_eq!(guard(std::slice::from_ref(&block), &administrators), Err(LocksEverybodyOut));
    let exclude = People { users: vec![BREAK_GLASS], ..People::default() };
    let spared = Policy { who: Who::People { include: People { all: true, ..People::default() }, exclude }, ..block.clone() };
    assert_eq!(guard(std::slice::from_ref(&spared), &administrators), Ok(()));
    // Two policies, each of which spares somebody, together spare nobody.
    let other = Policy {
        who: Who::People { include: People { users: vec![BREAK_GLASS], ..People::default() }, exclude: People::default() },
        ..block.clone()
    };
    assert_eq!(guard(&[spared, other], &administrators), Err(LocksEverybodyOut));
    for harmless in [
        Policy { state: State::ReportOnly, ..block.clone() },
        Policy { control: Control::SecondFactor, ..block.clone() },
        Policy { device_code: Some(DeviceCode::Any), ..block.clone() },
        Policy { clients: vec![ClientKind::Other], ..block.clone() },
        Policy { applications: Applications { include: vec![AKS_SERVER], ..Applications::default() }, ..block.clone() },
    ] {
        assert_eq!(guard(std::slice::from_ref(&harmless), &administrators), Ok(()), "{harmless:?}");
    }
    assert_eq!(guard(&[block], &[]), Ok(()));
}

#[test]
fn s_803_ranges_are_read_and_shown_and_nothing_else_is() {
    for text in ["192.0.2.0/24", "192.0.2.7/32", "2001:db8::/32", "128.0.0.0/1"] {
        assert_eq!(text.parse::<IpRange>().expect(text).to_string(), text);
    }
    for bad in
        ["", "192.0.2.0", "192.0.2.0/", "192.0.2.0/33", "192.0.2.0/0", "::/0", "::/129", "192.0.2/24", "a/8", "10.0.0.0/+8"]
    {
        assert_eq!(bad.parse::<IpRange>(), Err(BadRange), "{bad}");
    }
}

fn some_policy() -> impl Strategy<Value = Policy> {
    let state = prop_oneof![Just(State::Enabled), Just(State::Disabled), Just(State::ReportOnly)];
    let control = prop_oneof![Just(Control::Block), Just(Control::SecondFactor), Just(Control::Passkey), Just(Control::Nothing)];
    let apps = prop_oneof![Just(vec![]), Just(vec![AKS_SERVER]), Just(vec![GRAPH])];
    let people = (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(all, me, group)| People {
        all,
        users: if me { vec![ALICE] } else { Vec::new() },
        groups: if group { vec![PLATFORM] } else { Vec::new() },
        ..People::default()
    });
    let clients = vec(prop_oneof![Just(ClientKind::Browser), Just(ClientKind::Native), Just(ClientKind::Other)], 0..3);
    let frequency = proptest::option::of((1_u16..100).prop_map(Frequency::Hours));
    let spared = any::<bool>();
    ("[a-z]{1,8}", state, control, apps, people, clients, frequency, spared).prop_map(
        |(name, state, control, include, people, clients, frequency, spared)| Policy {
            state,
            who: Who::People {
                include: people,
                exclude: if spared { People { users: vec![ALICE], ..People::default() } } else { People::default() },
            },
            applications: Applications { all: include.is_empty(), include, exclude: Vec::new() },
            clients,
            frequency,
            ..policy(&name, control)
        },
    )
}

proptest! {
    #[test]
    fn s_803_deny_wins_whatever_else_is_said_and_in_whatever_order(policies in vec(some_policy(), 0..8), turn in 0_usize..8) {
        let context = alice(&[PLATFORM]);
        let mut turned = policies.clone();
        turned.rotate_left(turn.min(policies.len()));
        let (verdict, other) = (decide(&policies, &[], &context), decide(&turned, &[], &context));
        prop_assert_eq!(&verdict.blocked, &other.blocked);
        prop_assert_eq!(verdict.demands, other.demands);
        let blocks = verdict.applied.iter().any(|applied| applied.effect == Effect::Blocks);
        prop_assert_eq!(verdict.blocked.is_some(), blocks);
        if blocks {
            prop_assert_eq!(verdict.unmet(&[Method::Fido, Method::Mfa], at(0), at(0)), Some(Unmet::Blocked));
        }
    }

    #[test]
    fn s_803_one_more_policy_never_lets_in_who_was_kept_out(policies in vec(some_policy(), 0..6), more in some_policy()) {
        let context = alice(&[PLATFORM]);
        let before = decide(&policies, &[], &context);
        let after = decide(&[policies, vec![more]].concat(), &[], &context);
        for how in [&[Method::Pwd][..], &[Method::Pwd, Method::Mfa], &[Method::Fido]] {
            if before.unmet(how, at(0), at(7200)).is_some() {
                prop_assert!(after.unmet(how, at(0), at(7200)).is_some());
            }
        }
    }

    #[test]
    fn s_803_who_is_excluded_and_what_only_reports_is_never_refused(policies in vec(some_policy(), 0..8)) {
        let spared = policies.into_iter().map(|policy| {
            let excluded = matches!(&policy.who, Who::People { exclude, .. } if exclude.users.contains(&ALICE));
            let state = if excluded { policy.state } else { State::ReportOnly };
            Policy { state, ..policy }
        });
        let verdict = decide(&spared.collect::<Vec<_>>(), &[], &alice(&[PLATFORM]));
        prop_assert_eq!((verdict.blocked, verdict.demands), (None, Demands::default()));
    }

    #[test]
    fn s_803_a_policy_is_kept_as_it_was(policy in some_policy()) {
        let kept = serde_json::to_string(&policy).expect("JSON");
        prop_assert_eq!(serde_json::from_str::<Policy>(&kept).expect("a policy"), policy);
    }

    #[test]
    fn s_803_a_range_holds_its_own_address_and_shows_itself(bits in any::<u32>(), prefix in 1_u8..=32) {
        let address = IpAddr::from(std::net::Ipv4Addr::from_bits(bits));
        let range: IpRange = format!("{address}/{prefix}").parse().expect("a range");
        prop_assert!(range.contains(address));
        prop_assert_eq!(range.to_string().parse::<IpRange>(), Ok(range));
        let outside = IpAddr::from(std::net::Ipv4Addr::from_bits(bits ^ (1 << (32 - u32::from(prefix)))));
        prop_assert!(!range.contains(outside));
    }
}
