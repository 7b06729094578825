// What a shop's own script does with the tag: each call below is one that a real shop would make.
"use strict";

const page = document.body.dataset;
const identity = () => document.body.dataset.identity;

// On every page of somebody who has signed in; once the link is known this costs nearly nothing.
if (identity()) shopalytic.identify(identity());

// Pages with a funnel label are tracked here, because the tag's own page view has no label.
if (page.pageType) {
  shopalytic.track("page_view", {
    url: location.href,
    referrer: document.referrer,
    title: document.title,
    page_type: page.pageType,
    logged_in: Boolean(identity()),
  });
}

const product = document.querySelector("[data-product-view]");
if (product) shopalytic.track("product_view", JSON.parse(product.dataset.productView));

/** Sends a form to the shop without leaving the page; the answer is the cart's page. */
async function send(form) {
  const response = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  return { ok: response.ok, page: new DOMParser().parseFromString(await response.text(), "text/html") };
}

/** Puts a part of another page in place of ours. */
function replace(selector, other) {
  document.querySelector(selector).replaceWith(other.querySelector(selector));
}

const actions = {
  async "cart-add"(form) {
    const { sku, price } = form.dataset;
    const qty = form.elements.qty.value;
    const answer = await send(form);
    replace(".top", answer.page);
    if (!answer.ok) return replace("main", answer.page);
    document.querySelector(".said").hidden = false;
    shopalytic.track("cart_add", { cart_id: page.cart, sku, price, qty });
  },

  async "cart-modify"(form) {
    const { sku } = form.dataset;
    const qty = form.elements.qty.value;
    const answer = await send(form);
    replace(".top", answer.page);
    replace("main", answer.page);
    if (answer.ok) shopalytic.track("cart_modify", { cart_id: page.cart, sku, qty });
  },

  async alias(form) {
    const verdict = await shopalytic.alias(form.elements.card.value);
    const said = document.createElement("p");
    said.className = verdict.status === "ACCEPTED" || verdict.status === "DUPLICATE" ? "said" : "alert";
    said.setAttribute("role", "status");
    const [violation] = verdict.violations;
    said.textContent = violation ? `This number ${violation.message}.` : "The card is yours now.";
    form.parentElement.querySelector("[role=status]")?.remove();
    form.after(said);
  },

  async "sign-out"(form) {
    // The next person on this computer is somebody else. Nobody waits long for that.
    await Promise.race([shopalytic.reset(), new Promise((resolve) => setTimeout(resolve, 1000))]);
    form.submit();
  },
};

document.addEventListener("submit", (event) => {
  const action = actions[event.target.dataset.does];
  if (!action) return;
  event.preventDefault();
  action(event.target);
});
