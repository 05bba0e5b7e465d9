// Whether an application may.

export const consent = {
  async 'a person is asked'(it) {
    const { given } = it;
    const who = it.person('asked'), beyond = 'openid https://graph.microsoft.com/Directory.Read.All';
    await it.open(it.authorize(given.consent, { scope: beyond }));
    await it.signIn(who);
    await it.look('consent: an administrator is needed', 'consent-cancel');
    await it.open(it.authorize(given.consent, { scope: given.consent.scope }));
    await it.look('consent', 'consent-accept');
    await it.page.evaluate(() => { for (const one of document.querySelectorAll('details')) one.open = true; });
    await it.look('consent: technical names', 'consent-accept');
    const address = await it.answered(() => it.press('consent-accept'));
    it.prove('consent: given', address.includes('code='));
  },
  async 'an administrator is asked'(it) {
    const { given } = it;
    await it.open(it.authorize(given.consent, { scope: given.consent.scope }));
    await it.signIn(given.people.admin.any);
    await it.look('consent: may be for everybody', 'consent-org');
    const asks = new URLSearchParams({ client_id: given.consent.client, scope: given.consent.scope });
    await it.open(`/${given.tenant}/v2.0/adminconsent?${asks}`);
    await it.press('account-continue');
    await it.look('consent: for everybody', 'consent-accept');
    await it.press('consent-cancel');
    await it.page.waitForURL('**/consent/refused');
    await it.look('consent: refused', 'consent-done');
    await it.open('/consent/allowed');
    await it.look('consent: allowed', 'consent-done');
  },
};
