// Generated from the protos by generate_catalogue.py. Do not edit.

/** An exact amount: text ("9.99") or a number. Up to 14 digits before and 4 after the point. */
export type Money = string | number;

/** A whole number, also as text of digits. */
export type Integer = number | string;

/** A time: a Date, RFC 3339 text, or seconds (not milliseconds) after the Unix epoch. */
export type Time = Date | string | number;

/** Sent right after an account is created. */
export interface CustomerRegister {
  /**
   * E-mail address, up to 254 characters, one customer's only: if another
   * customer of the project has it (case ignored) the event is refused as a
   * CONFLICT.
   */
  email: string;
  /** Given name, 1 to 200 characters. */
  first_name: string;
  /** Family name, 1 to 200 characters. */
  last_name: string;
  /**
   * When the account was created, if not when the event happened (then absent).
   * From 1990 on, at most one day ahead of the server's clock.
   */
  join_date?: Time;
}

/** Sent when a profile changed. Only the fields given change. */
export interface CustomerUpdate {
  /**
   * New e-mail address, up to 254 characters; the same uniqueness as in
   * CustomerRegister: a clash refuses the whole event. Absent: unchanged.
   */
  email?: string;
  /** New given name, 1 to 200 characters. Absent: unchanged. */
  first_name?: string;
  /** New family name, 1 to 200 characters. Absent: unchanged. */
  last_name?: string;
}

/** Sent when an item is put in a cart. Adds to what the line already holds. */
export interface CartAdd {
  /** The shop's id of the cart, unique in the project, 1 to 200 characters. */
  cart_id: string;
  /** Stock keeping unit of the item, 1 to 200 characters. */
  sku: string;
  /** Price of ONE piece, as money. */
  price: Money;
  /** Number of pieces added, 1 to 1,000,000,000. 0 or absent: quantity says how many. */
  qty?: Integer;
  /**
   * When the shop says the cart changed; absent: when the event happened. From
   * 1990 on, at most one day ahead of the server's clock. Not moved with the
   * sender's clock.
   */
  modified_date?: Time;
  /**
   * ISO 4217 currency of every amount in this event: three capital letters
   * ("EUR"). The shape is checked. Absent: the project's currency.
   */
  currency?: string;
  /**
   * How many, where it is no whole number or negative, as when goods are exchanged or
   * credit is given: an exact decimal of up to 9 digits before and 4 after the point
   * ("0.5", "-1"). It counts instead of qty. Absent: qty counts.
   */
  quantity?: string;
}

/** Sent when a cart's line is changed or removed. */
export interface CartModify {
  /** The shop's id of the cart, unique in the project, 1 to 200 characters. */
  cart_id: string;
  /** Stock keeping unit of the line, 1 to 200 characters. */
  sku: string;
  /**
   * The line's NEW number of pieces, 0 to 1,000,000,000; 0 removes the line.
   * Absent: unchanged.
   */
  qty?: Integer;
  /** The new price of ONE piece, as money. Absent: unchanged. */
  price?: Money;
  /**
   * When the shop says the cart changed; absent: when the event happened. From
   * 1990 on, at most one day ahead of the server's clock. Not moved with the
   * sender's clock.
   */
  modified_date?: Time;
  /**
   * ISO 4217 currency of every amount in this event: three capital letters
   * ("EUR"). The shape is checked. Absent: the project's currency.
   */
  currency?: string;
  /**
   * The line's new quantity where it is no whole number, or negative: an exact
   * decimal as in CartAdd. It counts instead of qty.
   */
  quantity?: string;
  /**
   * How many pieces were taken off the line, whose others stay, 0 to 1,000,000,000,
   * for a shop that knows no more. Ignored where qty or quantity is given. Absent:
   * none.
   */
  qty_removed?: Integer;
}

/**
 * Sent when an order is placed. Sent again with the same content it is a
 * DUPLICATE; with other content it is a revision, and the one that happened
 * last counts. What it says of its status and its buyer is no part of its content:
 * each of these is a fact of its own, and of each the one that happened last counts,
 * so that such an event is ACCEPTED although its content is known.
 */
export interface Order {
  /** The shop's id of the order, unique in the project, 1 to 200 characters. */
  order_id: string;
  /**
   * The cart it came from, up to 200 characters. Empty: it came from none, as by
   * telephone, at a till or from a subscription.
   */
  cart_id?: string;
  /** What the customer pays, as money: with tax and shipping, less discounts. */
  total: Money;
  /** The products only, as money. */
  subtotal: Money;
  /** The products, 1 to 2,000 lines. */
  line_items: LineItem[];
  /**
   * When the order counts in reports; absent: when the order was first said, however
   * often it is revised. From 1990 on, at most one day ahead of the server's clock. A
   * statement of the shop: it is not moved with the sender's clock.
   */
  order_date?: Time;
  /** Where the bill goes. Absent: not known. */
  billing?: Address;
  /** Where the goods go. Absent: not known. */
  shipping?: Address;
  /** Tax contained in the total, as money. Absent: not known. */
  total_tax?: Money;
  /** Shipping contained in the total, as money. Absent: not known. */
  total_shipping?: Money;
  /**
   * How it is paid, free text ("card", "invoice"), 1 to 200 characters. Absent:
   * not known.
   */
  payment_type?: string;
  /** Discounts used, up to 100. Their values need not add up to total_discount. */
  discounts?: Discount[];
  /** All that discounts took off, as money. Required with discounts. */
  total_discount?: Money;
  /**
   * ISO 4217 currency of every amount in this event: three capital letters
   * ("EUR"). The shape is checked. Absent: the project's currency.
   */
  currency?: string;
  /**
   * The buyer's e-mail address, up to 254 characters. It is kept with the order,
   * and makes nobody a customer. Absent: not known.
   */
  email?: string;
  /** The buyer's first name, 1 to 200 characters, kept likewise. */
  first_name?: string;
  /** The buyer's last name, 1 to 200 characters, kept likewise. */
  last_name?: string;
  /**
   * What became of the order when this happened: "pending", "paid", "cancelled" or
   * "failed". An order that is cancelled or failed counts nowhere until it is said to
   * be pending or paid again; a refund of it counts nothing. OrderCancel says
   * "cancelled", too. Absent: nothing new, and it counts if nothing was said.
   */
  status?: "pending" | "paid" | "cancelled" | "failed";
}

/**
 * Sent when an order is refunded. Counts when the refund happened, whether or
 * not its order is known yet.
 */
export interface Refund {
  /** The order that is refunded, 1 to 200 characters. */
  order_id: string;
  /**
   * "full": what remains of the order's total after earlier refunds; needs
   * nothing else, and waits while the order is not known. "partial": the
   * amounts given here, at once.
   */
  refund_type: "full" | "partial";
  /**
   * What the customer gets back in all, as money. Required for a partial
   * refund; ignored for a full one.
   */
  total_refund?: Money;
  /**
   * The part of it that is for products, as money; 0 when no goods come back.
   * Required for a partial refund.
   */
  subtotal_refund?: Money;
  /** The products that come back, up to 2,000 lines. May be empty. */
  line_items?: LineItem[];
  /** The part of it that is tax, as money. Absent: not known. */
  tax_refund?: Money;
  /** The part of it that is shipping, as money. Absent: not known. */
  shipping_refund?: Money;
  /** The part of a discount taken back, as money. Absent: not known. */
  discount_refund?: Money;
  /**
   * ISO 4217 currency of every amount in this event: three capital letters.
   * Absent: the order's currency, and while the order is not known the
   * project's.
   */
  currency?: string;
}

/**
 * Sent when shipping details are known, once per parcel. Of each field the
 * value of the event that happened last counts.
 */
export interface Shipment {
  /** The order the parcel belongs to, 1 to 200 characters. */
  order_id: string;
  /**
   * The shop's id of the parcel, unique in the project, 1 to 200 characters. An
   * id that is already another order's is refused as a CONFLICT.
   */
  shipment_id: string;
  /** Who carries it: a code of this list, or "custom". */
  carrier: "aramex" | "oca-ar" | "australia-post" | "brazil-correios" | "canada-post" | "china-ems" | "spain-correos-es" | "dhl" | "dhl-germany" | "dhl-global-mail" | "dhl-nl" | "dhl-poland" | "dpd" | "danmark-post" | "fedex" | "fedex-uk" | "flash-courier" | "hong-kong-post" | "india-post" | "international-seur" | "israel-post" | "korea-post" | "la-poste-colissimo" | "malaysia-post" | "opek" | "ontrac" | "parcel-force" | "portugal-ctt" | "portugal-seur" | "purolator" | "royal-mail" | "russian-post" | "sf-express" | "saudi-post" | "singapore-post" | "singapore-speedpost" | "siodemka" | "spanish-seur" | "star-track" | "swiss-post" | "taqbin-hk" | "taqbin-sg" | "tnt" | "thailand-post" | "ups" | "usps" | "custom";
  /** The carrier's number, 1 to 200 characters. Absent: not known. */
  tracking_number?: string;
  /**
   * When it was handed to the carrier, or is to be: from 1990 on, at most a year
   * ahead of the server's clock. Absent: not known.
   */
  date_shipped?: Time;
  /**
   * When it reached the customer, or is to: from 1990 on, at most a year ahead of
   * the server's clock. Absent: not yet, or not known.
   */
  date_delivered?: Time;
}

/** Sent when a parcel's dates are known, also before its Shipment. */
export interface ShipmentDelivered {
  /** The order the parcel belongs to, 1 to 200 characters. */
  order_id: string;
  /** The shop's id of the parcel, as in Shipment, 1 to 200 characters. */
  shipment_id: string;
  /**
   * When it reached the customer, or is to: from 1990 on, at most a year ahead of
   * the server's clock.
   */
  date_delivered: Time;
  /**
   * When it was handed to the carrier, or is to be: from 1990 on, at most a year
   * ahead of the server's clock. Absent: unchanged.
   */
  date_shipped?: Time;
}

/** Sent when a product page is seen. */
export interface ProductView {
  /** Stock keeping unit, 1 to 200 characters. */
  sku: string;
  /** The product's name, 1 to 500 characters. */
  name: string;
  /** Price of ONE piece as shown, as money. */
  price: Money;
  /**
   * The product's categories, most general first, up to 100 of 1 to 200
   * characters.
   */
  categories?: string[];
  /** Whether the visitor was signed in. Absent: not known. */
  logged_in?: boolean;
  /**
   * ISO 4217 currency of every amount in this event: three capital letters
   * ("EUR"). The shape is checked. Absent: the project's currency.
   */
  currency?: string;
}

/** Sent when any page is seen. The browser tag sends it by itself. */
export interface PageView {
  /** The page's address, raw and untouched, 1 to 8,192 characters. */
  url: string;
  /** The page before, up to 8,192 characters; must be given, may be empty. */
  referrer: string;
  /** Whether the visitor was signed in. Absent: not known. */
  logged_in?: boolean;
  /** Label for funnels, such as "checkout-1", 1 to 100 characters. Absent: none. */
  page_type?: string;
  /** The page's title, up to 1,000 characters. Absent: none. */
  title?: string;
}

/**
 * Says that the envelope's tracking id is used by this customer. Sending it on
 * every request of a known customer is right: once the link is known it costs
 * nearly nothing.
 */
export interface Identify {
  /**
   * The customer by the shop's own name for them, 1 to 200 characters. One
   * customer's only. Placeholders such as "null" or "guest" are refused. Forms of
   * one e-mail address are one customer, as in the envelope.
   */
  identity: string;
}

/**
 * Gives the envelope's customer (its identity, else whoever its tracking id
 * belongs to) a further identity.
 */
export interface Alias {
  /**
   * The new identity, 1 to 200 characters. Refused as a CONFLICT when another
   * customer has it.
   */
  identity: string;
}

/** Sent when somebody searched the shop. */
export interface Search {
  /** What was searched for, as it was typed, 1 to 500 characters. */
  query: string;
  /**
   * How many results were found, 0 to 1,000,000,000; 0: nothing was found. Absent:
   * not known.
   */
  results?: Integer;
  /** What narrowed the search ("colour:red"), up to 100 texts of 1 to 200 characters. */
  filters?: string[];
}

/** Sent when a category, search result or another list of products is seen. */
export interface ProductListView {
  /** The list's name ("Women > Shoes", "Bestsellers"), 1 to 200 characters. */
  list: string;
  /** The products that it showed, up to 500. Absent: not known. */
  items?: ListItem[];
}

/** Sent when a step of the checkout is reached. */
export interface CheckoutStep {
  /** The step by its name or number ("shipping", "2"), 1 to 100 characters. */
  step: string;
  /**
   * What was chosen there ("express", "invoice"), 1 to 200 characters. Absent:
   * nothing, or not known.
   */
  option?: string;
  /** The shop's id of the cart, 1 to 200 characters. Absent: not known. */
  cart_id?: string;
}

/** Sent when somebody tried a code for a discount. It changes no cart and no order. */
export interface Coupon {
  /** The code as it was typed, 1 to 200 characters. */
  code: string;
  /** Whether the shop took it. */
  accepted: boolean;
  /**
   * Why it was not taken ("expired"), 1 to 200 characters. Absent: it was, or not
   * known.
   */
  reason?: string;
  /** What it took off, as money. Absent: not known. Reports count discounts by orders. */
  value?: Money;
  /**
   * ISO 4217 currency of every amount in this event: three capital letters
   * ("EUR"). The shape is checked. Absent: the project's currency.
   */
  currency?: string;
}

/** Sent when a product is put on a wish list. */
export interface WishlistAdd {
  /** Stock keeping unit, 1 to 200 characters. */
  sku: string;
}

/** Sent when a product is taken from a wish list. */
export interface WishlistRemove {
  /** Stock keeping unit, 1 to 200 characters. */
  sku: string;
}

/** Sent when a customer rated a product. */
export interface Review {
  /** Stock keeping unit, 1 to 200 characters. */
  sku: string;
  /** From 1 (worst) to 5 (best). */
  rating: Integer;
}

/**
 * Sent when an order will not be, whether or not it is known yet: from then on its
 * status is "cancelled". The backend sends it: browser keys may not unless the
 * project allows it.
 */
export interface OrderCancel {
  /** The order, 1 to 200 characters. */
  order_id: string;
  /** Why ("out of stock"), 1 to 200 characters. Absent: not known. */
  reason?: string;
}

/**
 * Sent when a subscription changed. It is no revenue: what it charges is an order.
 * The backend sends it: browser keys may not unless the project allows it.
 */
export interface Subscription {
  /** The shop's id of the subscription, 1 to 200 characters. */
  subscription_id: string;
  /**
   * What became of it, 1 to 100 characters: "begun", "renewed", "paused", "ended",
   * or a word of the shop's own.
   */
  state: string;
  /** What it charges each time, as money. Absent: not known. */
  amount?: Money;
  /** How often it charges ("month", "P2W"), 1 to 100 characters. Absent: not known. */
  interval?: string;
  /**
   * ISO 4217 currency of every amount in this event: three capital letters
   * ("EUR"). The shape is checked. Absent: the project's currency.
   */
  currency?: string;
}

/**
 * Sent for what only this shop knows. It is kept, shown and can be a step of
 * funnels; nothing in it is ever money.
 */
export interface Custom {
  /** What happened, by the shop's own name, 1 to 100 characters. */
  name: string;
  /**
   * Anything about it, up to 32 KB (32,768 bytes) as JSON text in UTF-8 without
   * spaces, with up to 5,000 values. Numbers are kept with the precision of a 64-bit float and must be
   * finite; JSON surfaces keep a whole number beyond 2^53 as the text of its digits,
   * and take objects nested up to 16 deep. Absent: nothing.
   */
  properties?: Record<string, unknown>;
}

/** One line of an order or of a refund: a product, its price and how many. */
export interface LineItem {
  /**
   * The shop's stock keeping unit, up to 200 characters. Empty: the line has none,
   * such as a voucher or a line by hand, and reports know the product by its name.
   */
  sku?: string;
  /** Price of ONE piece, as money, in the event's currency. */
  price: Money;
  /** Number of pieces, 1 to 1,000,000,000. 0 or absent: quantity says how many. */
  qty?: Integer;
  /**
   * What ONE piece cost the shop, as money, in the event's currency. Absent:
   * unknown, and the line is left out of cost and margin.
   */
  cost?: Money;
  /** The line's name, 1 to 200 characters. Required where there is no sku. */
  name?: string;
  /**
   * How many, where it is no whole number or negative, as when goods are exchanged or
   * credit is given: an exact decimal of up to 9 digits before and 4 after the point
   * ("0.5", "-1"). It counts instead of qty. Absent: qty counts.
   */
  quantity?: string;
}

/**
 * A billing or shipping address, as far as reports need one: no street, no
 * name.
 */
export interface Address {
  /** Town or city, 1 to 200 characters. */
  city: string;
  /** Postal code as the country writes it, 1 to 32 characters. */
  zipcode: string;
  /**
   * ISO 3166-1 alpha-3 country code: three capital letters ("GBR", "DEU").
   * The shape is checked, not whether the country exists.
   */
  country: string;
  /**
   * State, province or region, 1 to 200 characters. Absent: the country has
   * none, or it is not known.
   */
  state?: string;
}

/** A discount used on an order. */
export interface Discount {
  /** The voucher or promotion code, 1 to 200 characters. */
  code: string;
  /** How much it took off the order, as money, in the order's currency. */
  value: Money;
}

/** A product in a list that was seen. */
export interface ListItem {
  /** Stock keeping unit, 1 to 200 characters. */
  sku: string;
  /**
   * Where it stood in the list, 0 to 1,000,000; the first one is 0 or 1, as the shop
   * counts. Absent: not known.
   */
  position?: Integer;
}

/** The properties of each event, by the name that `track` takes. */
export interface EventProperties {
  customer_register: CustomerRegister;
  customer_update: CustomerUpdate;
  cart_add: CartAdd;
  cart_modify: CartModify;
  order: Order;
  refund: Refund;
  shipment: Shipment;
  shipment_delivered: ShipmentDelivered;
  product_view: ProductView;
  page_view: PageView;
  identify: Identify;
  alias: Alias;
  search: Search;
  product_list_view: ProductListView;
  checkout_step: CheckoutStep;
  coupon: Coupon;
  wishlist_add: WishlistAdd;
  wishlist_remove: WishlistRemove;
  review: Review;
  order_cancel: OrderCancel;
  subscription: Subscription;
  custom: Custom;
  /** Later name of customer_register. */
  account_register: EventProperties["customer_register"];
  /** Later name of customer_update. */
  account_update: EventProperties["customer_update"];
  /** Later name of shipment_delivered. */
  shipment_update: EventProperties["shipment_delivered"];
}
