"""Constants of the WhatsApp Presence integration."""

from datetime import timedelta
from typing import Final

DOMAIN: Final = "whatsapp_presence"
DOCS_URL: Final = (
    "https://github.com/ha-whatsapp-presence/ha-whatsapp-presence/blob/main/docs"
)

# The form of what is stored of an account, and of a chat unless that names another.
ENTRY_VERSION: Final = 1
CHAT_VERSION: Final = 1
CONF_VERSION: Final = "version"

SUBENTRY_TYPE_CHAT: Final = "chat"
# A flow that adds many chats, each a subentry of the type above; there are none of this.
SUBENTRY_TYPE_CHATS: Final = "chats"

CONF_GATEWAY: Final = "gateway"
CONF_CHAT: Final = "chat"
CONF_CHATS: Final = "chats"
CONF_ALIAS: Final = "alias"
CONF_STAND_IN: Final = "stand_in"
CONF_SETTLE_TIME: Final = "settle_time"
CONF_REGISTER_WEBHOOK: Final = "register_webhook"
CONF_WEBHOOK_SECRET: Final = "webhook_secret"
CONF_WEBHOOK_URL: Final = "webhook_url"
CONF_OLD_WEBHOOK_URLS: Final = "old_webhook_urls"
CONF_NEW_WEBHOOK_ADDRESS: Final = "new_webhook_address"
CONF_CLOUDHOOK_URL: Final = "cloudhook_url"
# What is kept in an entry of its webhook's addresses; nothing has to follow a change.
WEBHOOK_DATA: Final = (CONF_WEBHOOK_URL, CONF_OLD_WEBHOOK_URLS, CONF_CLOUDHOOK_URL)

SECTION_ADVANCED: Final = "advanced"
SECTION_TIMING: Final = "timing"

DEFAULT_SETTLE_TIME: Final = 3
MAX_SETTLE_TIME: Final = 60

STATUS_INTERVAL: Final = timedelta(minutes=1)
POLL_INTERVAL: Final = timedelta(seconds=30)
# For how long an instance may be away before that is news of its chats.
GRACE_TIME: Final = timedelta(seconds=120)

MAX_WEBHOOK_BODY: Final = 256 * 1024
